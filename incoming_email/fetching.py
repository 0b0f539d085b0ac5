"""One visit to a mailbox: read it alone, store, acknowledge, process, note how it went."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from incoming_email import processing, receiving
from incoming_email.inboxes.base import Inbox, InboxError
from incoming_email.inboxes.opening import open_inbox
from incoming_email.models import Mailbox

logger = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """Somebody else reads the mailbox now, or it was disabled."""


def fetch(
    mailbox: Mailbox,
    *,
    holder: str,
    clock: Callable[[], datetime] = timezone.now,
    on_progress: Callable[[int], object] = lambda _count: None,
) -> int | None:
    """Take in what waits; return how many are new, or None while somebody else reads it.

    Raises InboxError when the server does not let us, after noting that in the mailbox.
    """
    try:
        with visit(mailbox, holder=holder, clock=clock) as inbox:
            return take_in(mailbox, inbox, holder=holder, clock=clock, on_progress=on_progress)
    except LeaseLostError:
        return None


@contextmanager
def visit(
    mailbox: Mailbox, *, holder: str, clock: Callable[[], datetime] = timezone.now
) -> Iterator[Inbox]:
    """Hold the mailbox's lease and an open connection; note success or failure in the row."""
    renew(mailbox, holder=holder, now=clock())
    try:
        with open_inbox(mailbox.imap_account(), position=mailbox.position) as inbox:
            yield inbox
    except InboxError as error:
        _note_failure(mailbox, error, now=clock())
        raise
    finally:
        Mailbox.objects.release(mailbox.pk, holder=holder)


def renew(mailbox: Mailbox, *, holder: str, now: datetime) -> None:
    """Take or keep the lease; raise LeaseLostError where another one has it."""
    seconds = settings.MAILBOX_LEASE_SECONDS
    if not Mailbox.objects.lease(mailbox.pk, holder=holder, now=now, seconds=seconds):
        raise LeaseLostError(str(mailbox))


def take_in(
    mailbox: Mailbox,
    inbox: Inbox,
    *,
    holder: str,
    clock: Callable[[], datetime],
    on_progress: Callable[[int], object] = lambda _count: None,
) -> int:
    """Store and process all that is unread over an open connection; return how many are new."""
    count = 0
    for rows in receiving.receive(mailbox, inbox, clock=clock):
        processing.process_claimed(rows, clock=clock)
        count += len(rows)
        on_progress(len(rows))
        renew(mailbox, holder=holder, now=clock())
    Mailbox.objects.filter(pk=mailbox.pk).update(
        position=inbox.position, last_success_at=clock(), last_error="", failing_since=None
    )
    if count:
        logger.info("fetched mailbox=%s new=%s", mailbox.pk, count)
    return count


def _note_failure(mailbox: Mailbox, error: InboxError, *, now: datetime) -> None:
    logger.warning("fetch failed mailbox=%s error=%s", mailbox.pk, error.detail)
    row = Mailbox.objects.filter(pk=mailbox.pk)
    row.update(last_error=f"{error.detail} {error.remedy}".strip())
    row.filter(failing_since=None).update(failing_since=now)
