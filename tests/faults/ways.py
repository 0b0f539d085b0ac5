"""Ways by which mail comes in: mailbox, server outside, and what Letterbox does to get it."""

import smtplib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from incoming_email.models import InboxMethod, Mailbox
from incoming_email.smtp.listener import start_listener
from tests.faults.outside import Mail, Outside, Sender
from tests.faults.restarting import run_queued, run_scheduled
from tests.servers.fake_imap import PASSWORD, FakeImap
from tests.servers.graph import CLIENT, SECRET, TENANT, USER, FakeGraph
from tests.servers.https import make_server_certificate

POLLING = "incoming_email.poll_mailboxes"
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Way(Protocol):
    def configure(self) -> None:
        """Make each mailbox one of this way."""

    def load(self, mails: Sequence[Mail], outside: Outside) -> None:
        """What is outside, before anything happens there."""

    def receive(self, outside: Outside) -> None:
        """In the process under test."""


def poll(_self: Any, _outside: Outside) -> None:
    run_scheduled([POLLING])


class Imap:
    """A stand-in server, which has all mails when it is first asked."""

    receive = poll

    def __init__(self, _folder: Path) -> None:
        self._server = FakeImap({})

    def configure(self) -> None:
        Mailbox.objects.update(
            inbox_method=InboxMethod.IMAP,
            host="127.0.0.1",
            port=self._server.port,
            user="user@example.test",
        )
        for mailbox in Mailbox.objects.all():
            mailbox.password = PASSWORD
            mailbox.save()

    def load(self, mails: Sequence[Mail], outside: Outside) -> None:
        for mail in mails:
            self._server.add(mail.content)
        outside.servers.append(self._server)
        flags = self._server.flags
        outside.actions["left"] = lambda: [f"{uid} {sorted(flags[uid])}" for uid in flags]


class Graph:
    """A stand-in for Microsoft 365."""

    receive = poll

    def __init__(self, folder: Path) -> None:
        certificate = folder / "certificate"
        certificate.mkdir()
        self._server = FakeGraph(make_server_certificate(certificate))
        settings.HTTPS_CA_FILE = self._server.ca_file

    def configure(self) -> None:
        Mailbox.objects.update(
            inbox_method=InboxMethod.MICROSOFT_GRAPH,
            user=USER,
            tenant_id=TENANT,
            client_id=CLIENT,
            azure_ad_endpoint=self._server.url,
            graph_endpoint=self._server.url,
        )
        for mailbox in Mailbox.objects.all():
            mailbox.client_secret = SECRET
            mailbox.save()

    def load(self, mails: Sequence[Mail], outside: Outside) -> None:
        for number, mail in enumerate(mails):
            self._server.deliver(mail.content, MAY + timedelta(minutes=number))
        outside.servers.append(self._server)
        messages = self._server.messages
        outside.actions["left"] = lambda: [
            f"{number} in {each.folder}, read: {each.is_read}"
            for number, each in enumerate(messages.values())
        ]


class Maildir:
    """A folder; it lies with the data, so that each run finds it anew."""

    receive = poll

    def __init__(self, _folder: Path) -> None:
        self._path = Path(settings.DATA_DIR) / "Maildir"

    def configure(self) -> None:
        Mailbox.objects.update(inbox_method=InboxMethod.MAILDIR, maildir_path=str(self._path))
        for name in ("tmp", "new", "cur"):
            (self._path / name).mkdir(parents=True)

    def load(self, mails: Sequence[Mail], outside: Outside) -> None:
        for number, mail in enumerate(mails):
            (self._path / "new" / f"{number}.M1P1.host").write_bytes(mail.content)
        outside.actions["left"] = lambda: [
            f"{path.parent.name}/{path.name}" for path in sorted(self._path.glob("*/*"))
        ]


@dataclass
class Listener:
    """By SMTP or LMTP, from a server that tries again until it hears 250."""

    port: int
    lmtp: bool
    client: Callable[..., smtplib.SMTP]
    _mails: list[Mail] = field(default_factory=list)

    def configure(self) -> None:
        """The mailbox is one of this method already."""

    def load(self, mails: Sequence[Mail], outside: Outside) -> None:
        sender = Sender(list(mails), self.port, self.client)
        outside.actions |= {
            "send": sender.send,
            "left": lambda: [mail.recipient for mail in sender.mails],
        }

    def receive(self, outside: Outside) -> None:
        """Until the sender has tried, and what the listener has queued."""
        controller = start_listener("127.0.0.1", self.port, lmtp=self.lmtp)
        try:
            outside.ask("send")
        finally:
            controller.stop()
        run_queued()


WAYS: dict[str, Callable[[Path], Way]] = {
    "imap": Imap,
    "graph": Graph,
    "maildir": Maildir,
    "smtp": lambda _folder: Listener(settings.SMTP_LISTENER_PORT, False, smtplib.SMTP),
    "lmtp": lambda _folder: Listener(settings.LMTP_LISTENER_PORT, True, smtplib.LMTP),
}
