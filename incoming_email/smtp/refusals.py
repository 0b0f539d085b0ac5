"""Refused recipients on their way to the database: together, a second later, and bounded."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from incoming_email.models import Mailbox, RefusedRecipient
from incoming_email.parsing.addresses import AddressTemplate, redact_address
from incoming_email.parsing.text.one_line import clean

MAX_KINDS = 500
"""Of refusals between two writings; further ones are counted together."""

SECONDS = 1.0
"""So much of it is lost where the listener is killed: nobody waits for it, and no mail is."""

OTHERS = "…"
MAX_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was said to whom about which recipient."""

    peer: str
    sender: str
    recipient: str
    answer: str


@dataclass(slots=True)
class Refusals:
    """Counted by the event loop, written by a thread."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counted: Counter[Refusal] = field(default_factory=Counter)

    def add(self, refusal: Refusal) -> bool:
        """Whether it is the first one since the last writing, which somebody has to bring about."""
        with self._lock:
            is_first = not self._counted
            if refusal not in self._counted and len(self._counted) >= MAX_KINDS:
                refusal = Refusal(OTHERS, OTHERS, OTHERS, refusal.answer)
            self._counted[refusal] += 1
            return is_first

    def write(self) -> None:
        """What fails is lost: no mail waits for it, and a database that is away has worse to tell.
        Raises what Django raises of a database."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if counted:
            create_refusals(counted, now=timezone.now())


def create_refusals(counted: Counter[Refusal], *, now: datetime) -> None:
    """And cut what is too much of them, by their numbers, so that it costs the same at any size."""
    templates = [mailbox.template for mailbox in Mailbox.objects.only("address")]
    RefusedRecipient.objects.bulk_create(
        RefusedRecipient(
            at=now,
            peer=each.peer[:45],
            sender=_fit(each.sender),
            recipient=_fit(_redact(each.recipient, templates)),
            answer=each.answer[:100],
            count=count,
        )
        for each, count in counted.items()
    )
    RefusedRecipient.objects.cut()


def _redact(address: str, templates: Sequence[AddressTemplate]) -> str:
    return redact_address(address, [template for template in templates if template.has_key])


def _fit(text: str) -> str:
    """Fit for every database: PostgreSQL takes no NUL, and no half of a character."""
    printable = text.replace("\x00", "").encode(errors="replace").decode()
    return clean(printable)[:MAX_ADDRESS]
