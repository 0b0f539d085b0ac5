"""Who reads a mailbox alone: a lease in its row, kept for as long as the reader is inside."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import Error
from django.db import connections as of_this_thread

from incoming_email.models import Mailbox
from issues import connections

logger = logging.getLogger(__name__)

LONGEST_STEP_SECONDS = 3600.0
"""A reader that gives no sign for so long is stuck: the lease is not kept for it any more."""

RENEWALS = 3
"""How often a lease is renewed within its length."""

_signs_of_life: dict[tuple[int, str], float] = {}
"""When each reader of this process renewed its lease last, by the monotonic clock."""


class LeaseLostError(Exception):
    """Another process reads the mailbox now, or it was disabled."""


def renew(mailbox: Mailbox, *, holder: str, now: datetime) -> None:
    """Take or keep the lease; raise LeaseLostError where another one has it."""
    seconds = settings.MAILBOX_LEASE_SECONDS
    if not Mailbox.objects.lease(mailbox.pk, holder=holder, now=now, seconds=seconds):
        raise LeaseLostError(str(mailbox))
    _signs_of_life[mailbox.pk, holder] = time.monotonic()


@contextmanager
def holding(mailbox: Mailbox, *, holder: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Take the lease, keep it through the steps inside, however long, and give it back.

    Raises LeaseLostError. Between the steps the reader renews it by itself, which also tells it
    that it has lost it.
    """
    renew(mailbox, holder=holder, now=clock())
    done = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(mailbox, holder, clock, done), name=f"lease-{mailbox.pk}", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        done.set()
        keeper.join(settings.MAILBOX_LEASE_SECONDS)
        _signs_of_life.pop((mailbox.pk, holder), None)
        connections.validate()  # what broke the visit off may be the database
        Mailbox.objects.release(mailbox.pk, holder=holder)


def _keep(
    mailbox: Mailbox, holder: str, clock: Callable[[], datetime], done: threading.Event
) -> None:
    """Renew the lease while its holder is in the midst of a step."""
    pause = settings.MAILBOX_LEASE_SECONDS / RENEWALS
    renewed_at = time.monotonic()
    while not done.wait(pause / 2):
        sign = _signs_of_life.get((mailbox.pk, holder), 0.0)
        now = time.monotonic()
        if now - sign > LONGEST_STEP_SECONDS:
            logger.error("the reader gives no sign, its lease ends mailbox=%s", mailbox.pk)
            return
        if now - max(sign, renewed_at) < pause / 2:
            continue
        if not _renew_once(mailbox, holder, clock()):
            return
        renewed_at = now


def _renew_once(mailbox: Mailbox, holder: str, now: datetime) -> bool:
    """False where another one has the lease; the holder learns it at its next step."""
    seconds = settings.MAILBOX_LEASE_SECONDS
    try:
        return Mailbox.objects.lease(mailbox.pk, holder=holder, now=now, seconds=seconds)
    except Error as fault:
        name = type(fault).__name__
        logger.warning("lease not renewed mailbox=%s error=%s", mailbox.pk, name, exc_info=fault)
        return True  # the database may be back in time
    finally:
        of_this_thread.close_all()
