"""Polling a mailbox while a person waits for the page: the result in one sentence."""

import os
import secrets
import socket
import time
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.shared import NOTHING_TO_POLL
from incoming_email.models import Mailbox
from incoming_email.pipeline import fetching

POLL_SECONDS = 20.0
"""After this the rest is left to the worker: the page must answer before the web server times
out."""


class _TimeIsUp(Exception):
    """The person has waited long enough. What was read so far is kept."""


@dataclass(frozen=True, slots=True)
class Polled:
    sentence: str
    has_failed: bool = False


def poll(mailbox: Mailbox, *, seconds: float = POLL_SECONDS) -> Polled:
    if not mailbox.is_fetched:
        return Polled(_(NOTHING_TO_POLL), True)
    if not mailbox.enabled:
        return Polled(_("The mailbox is disabled. Enable and save it first."), True)
    return _fetch(mailbox, seconds)


def _fetch(mailbox: Mailbox, seconds: float) -> Polled:
    ends, taken = time.monotonic() + seconds, 0

    def note(count: int) -> None:
        nonlocal taken
        taken += count
        if time.monotonic() > ends:
            raise _TimeIsUp

    holder = f"admin {os.getpid()} {secrets.token_hex(4)} {socket.gethostname()}"[:100]
    try:
        count = fetching.fetch(mailbox, holder=holder, on_progress=note)
    except _TimeIsUp:
        more = _("The worker fetches the remaining messages at the next poll.")
        return Polled(f"{_count(taken)} {more}")
    except InboxError as error:
        return Polled(fetching.describe_fault(error), True)
    if count is None:
        return Polled(
            _("Another process is reading the mailbox right now, so its mail is being fetched."),
            False,
        )
    return Polled(_count(count))


def _count(count: int) -> str:
    return ngettext(
        "%(count)d new message was fetched.", "%(count)d new messages were fetched.", count
    ) % {"count": count}
