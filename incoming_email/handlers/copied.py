"""People whom a member copies into a reply: the layer above knows what becomes of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from incoming_email.handlers.base import Context
from incoming_email.keys.own_addresses import find_own
from incoming_email.parsing.types import ParsedEmail
from issues.extension_points import ExtensionPoint, declare
from issues.models import Issue, Note, User
from issues.quick_actions import Refusal, Written

OPEN_RECIPIENTS = {"To", "Cc"}


class LetIn(Protocol):
    def __call__(
        self,
        *,
        issue: Issue,
        actor: User,
        addresses: Sequence[str],
        is_public: bool,
        message_id: str,
        now: datetime,
    ) -> Sequence[Refusal]:
        """Called in the transaction of the reply; returns whom the member must be told of.
        `is_public`: the reply became a comment that external participants read."""


COPIED_PEOPLE: ExtensionPoint[LetIn] = declare("people whom a member copies into a reply")


def let_copied_in(email: ParsedEmail, written: Written, author: User, context: Context) -> Written:
    """The same with what the member must be told of people in To and Cc. No query where the mail
    went to us alone. Nobody comes in by a mail that went through a list, or by a forward, which
    was for its recipients alone."""
    let_in = COPIED_PEOPLE.find()
    if let_in is None or not isinstance(written.item, Issue) or email.is_bulk or email.is_forward:
        return written
    people = _find_people(email, context)
    if not people:
        return written
    told = let_in(
        issue=written.item,
        actor=author,
        addresses=people,
        is_public=written.note is not None and not written.note.internal,
        message_id=email.message_id,
        now=_after(written.note, context.now),
    )
    return replace(written, refused=(*written.refused, *told)) if told else written


def _after(note: Note | None, now: datetime) -> datetime:
    """Who joins then does not get the note by mail: they have the reply itself."""
    return now if note is None else max(now, note.created_at + timedelta(microseconds=1))


def _find_people(email: ParsedEmail, context: Context) -> list[str]:
    """Without the sender and addresses of ours."""
    named = dict.fromkeys(c.address for c in email.candidates if c.header in OPEN_RECIPIENTS)
    others = [
        address
        for address in named
        if address != email.sender and not any(key in address for key in context.reply_keys)
    ]
    own = find_own(others) if others else set()
    return [address for address in others if address not in own]
