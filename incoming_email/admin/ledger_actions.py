"""What the buttons of the ledger do, for one row or many, and the message about it."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing

PROCESS_SECONDS = 20.0
"""Then the rest is left to the worker's sweep: the page must answer."""

BATCH = 500
"""Rows per transaction, and names per SQL statement."""


class Change(Protocol):
    def __call__(self, ids: Sequence[int], *, now: datetime) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Button:
    label: str | Promise
    record: str | Promise
    """What the history of the row says afterwards."""

    change: Change
    statuses: tuple[str, ...]
    """Rows of these only have the button."""

    processes: bool = True
    asks_server: bool = False
    """What the mail server could not hand over is read again."""

    needs_raw: bool = False
    is_of_spam: bool | None = None
    """Whether spam alone has the button, or all but spam."""

    def fits(self, row: InboundEmail) -> bool:
        is_whole = row.raw_purged_at is None
        is_meant = self.is_of_spam in {None, row.reason == Reason.SPAM}
        return row.status in self.statuses and is_meant and (is_whole or not self.needs_raw)


BUTTONS = {
    "process-again": Button(
        gettext_lazy("Process again"),
        gettext_lazy("Processed again."),
        reviewing.requeue,
        reviewing.ENDED_WITHOUT_EFFECT,
        asks_server=True,
        needs_raw=True,
    ),
    "release": Button(
        gettext_lazy("Release"),
        gettext_lazy("Released."),
        reviewing.release,
        (Status.HELD,),
        is_of_spam=False,
    ),
    "not-spam": Button(
        gettext_lazy("Not spam"),
        gettext_lazy("Released as no spam."),
        reviewing.release,
        (Status.HELD,),
        is_of_spam=True,
    ),
    "discard": Button(
        gettext_lazy("Discard"),
        gettext_lazy("Discarded."),
        reviewing.discard,
        (Status.HELD,),
        processes=False,
    ),
}


def press(
    button: Button, ids: Sequence[int], *, user_id: int, seconds: float = PROCESS_SECONDS
) -> tuple[bool, str]:
    """Returns whether anything was done, and a message about it."""
    changed: list[int] = []
    asked: list[int] = []
    for batch in _batches(ids):
        with transaction.atomic():
            done = button.change(batch, now=timezone.now())
            _record(done, user_id=user_id, text=button.record)
        changed += done
        if button.asks_server:
            with transaction.atomic():
                again = reviewing.ask_again(batch, now=timezone.now())
                _record(again, user_id=user_id, text=_("To be read again."))
            asked += again
    if button.processes:
        _process(changed, seconds=seconds)
    left = len(ids) - len(changed) - len(asked)
    return bool(changed or asked), " ".join(_describe(button, changed, asked=len(asked), left=left))


def _batches(ids: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return (tuple(ids[at : at + BATCH]) for at in range(0, len(ids), BATCH))


def _record(ids: Sequence[int], *, user_id: int, text: str | Promise) -> None:
    LogEntry.objects.log_actions(
        user_id=user_id,
        queryset=InboundEmail.objects.filter(pk__in=ids).only("pk"),
        action_flag=CHANGE,
        change_message=str(text),
    )


def _process(ids: Sequence[int], *, seconds: float) -> None:
    ends = time.monotonic() + seconds
    processing.process_each(itertools.takewhile(lambda _: time.monotonic() <= ends, ids))


def _describe(button: Button, changed: Sequence[int], *, asked: int, left: int) -> Iterator[str]:
    if changed:
        counts = Counter(
            status
            for batch in _batches(changed)
            for status in InboundEmail.objects.filter(pk__in=batch).values_list("status", flat=True)
        )
        ends = ", ".join(f"{count} {Status(status).label}" for status, count in counts.items())
        now = _("Now")  # outside the f-string, where xgettext sees it
        yield f"{button.record} {now}: {ends}."
        if counts[Status.PENDING]:
            yield _("The worker goes on with the pending ones.")
    if asked:
        yield ngettext(
            "%(count)d message that its mail server could not hand over is read again at the next"
            " visit to its mailbox.",
            "%(count)d messages that their mail servers could not hand over are read again at the"
            " next visits to their mailboxes.",
            asked,
        ) % {"count": asked}
    if left:
        yield ngettext(
            "%(count)d message was left alone: its status or missing bytes do not allow this.",
            "%(count)d messages were left alone: status or missing bytes do not allow this.",
            left,
        ) % {"count": left}
