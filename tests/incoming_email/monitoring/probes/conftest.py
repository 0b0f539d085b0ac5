"""A mail server that takes probes, and what comes of them when they are handed back in."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline import processing, receiving
from issues import outbox
from tests.incoming_email.world import World, make_world
from tests.issues.smtp_sink import Sink, running_sink


@dataclass
class Loop:
    """Outgoing mail goes to the sink; `bring_back` is the rest of the way."""

    sink: Sink
    world: World
    numbers: "list[int]" = field(default_factory=list)

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox.objects.get(pk=self.world.mailbox.pk)

    def deliver(self) -> int:
        return outbox.deliver_due(now=timezone.now())

    def content(self, number: int = -1) -> bytes:
        return self.sink.messages[number].as_bytes()

    def receive(self, content: bytes, recipient: str = "") -> InboundEmail:
        """Stored, not processed."""
        self.numbers.append(len(self.numbers))
        message = RawMessage(f"loop:{len(self.numbers)}", content, recipient)
        now = timezone.now()
        (row,) = receiving.store(self.world.mailbox, [message], now=now, claimed=False)
        return row

    def bring_back(self, number: int = -1) -> InboundEmail:
        row = self.receive(self.content(number), self.sink.envelopes[number][1][0])
        processing.process(row.pk)
        row.refresh_from_db()
        return row


@pytest.fixture
def to_server(settings):
    """Mail leaves this machine by the server at this port."""

    @contextmanager
    def choose():
        with running_sink() as sink:
            settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
            yield sink

    return choose


@pytest.fixture
def loop(to_server, transactional_db):
    with to_server() as sink:
        yield Loop(sink, make_world())
