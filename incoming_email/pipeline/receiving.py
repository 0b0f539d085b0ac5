"""From an inbox to the ledger. A message is acknowledged only once it is committed here."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from incoming_email import free_space
from incoming_email.inboxes.base import NO_RETRIES, Inbox, InboxError, RawMessage, Retries
from incoming_email.models import (
    HEAD_START,
    InboundEmail,
    Mailbox,
    pause_after,
)
from incoming_email.pipeline import claims, unreadable
from incoming_email.versions import find_version
from issues import memory


class NoSpaceError(InboxError):
    """A disk of ours is nearly full, so mail stays where it is. No server is at fault."""


def check_space() -> None:
    """Before mail is taken from where it is kept well. Raises NoSpaceError."""
    with override(settings.LANGUAGE_CODE):  # whoever asked for the visit, all read it
        shortage = free_space.find_shortage()
        if shortage:
            remedy = _("Mail waits where it is, and is fetched once there is space again.")
            raise NoSpaceError(f"{shortage}.", remedy=remedy)


def receive(
    mailbox: Mailbox,
    inbox: Inbox,
    *,
    clock: Callable[[], datetime],
    retries: Retries = NO_RETRIES,
) -> Iterator[list[InboundEmail]]:
    """Store what is unread, batch by batch; yield the new rows, claimed by the caller.

    When a batch is yielded it is committed and acknowledged, so a caller that dies in the work
    on it leaves rows that are due again after the first pause. Where it can't be acknowledged, it
    is yielded before the InboxError comes. What the server did not hand over has a row afterwards.
    Raises NoSpaceError before a batch is read for which there is no space.
    """
    unread = iter(inbox.unread(retries))
    while True:
        check_space()
        messages = next(unread, None)
        if messages is None:
            return
        read = [message for message in messages if not message.fault]
        is_large = any(len(message.content) > memory.LARGE_BYTES for message in read)
        if is_large:
            memory.give_back()  # what it took to read them, before the database takes its part
        rows = store(mailbox, read, now=clock(), claimed=True, moved=inbox.resynchronised)
        fault = None
        if is_large:
            memory.give_back()
        with claims.held(rows):
            unreadable.note(mailbox, [each for each in messages if each.fault], now=clock())
            try:
                inbox.acknowledge(messages)
            except InboxError as error:
                fault = error
            else:
                keep_position(mailbox, inbox)
        del messages, read  # the rows alone hold the bytes, for as long as they are needed
        yield rows
        if fault is not None:
            raise fault


def keep_position(mailbox: Mailbox, inbox: Inbox) -> None:
    """Store how far the inbox has been read, unless the mailbox names another folder by now.

    Who still reads the former folder would make the new one begin a second time.
    """
    if inbox.position is None:
        return
    polling = mailbox.method and mailbox.method.polling
    columns = ("inbox_method", *(polling.folder_columns if polling else ()))
    same_folder = {column: getattr(mailbox, column) for column in columns}
    Mailbox.objects.filter(pk=mailbox.pk, **same_folder).update(position=inbox.position)


def store(
    mailbox: Mailbox,
    messages: Sequence[RawMessage],
    *,
    now: datetime,
    claimed: bool,
    moved: bool = False,
) -> list[InboundEmail]:
    """Commit the messages that are not stored yet, byte for byte; returns their rows.

    `claimed`: the caller makes the first attempt itself. `moved`: the server renamed its messages,
    so those that are stored already are recognised by their bytes.
    """
    rows = [new_row(mailbox, message, now=now, claimed=claimed) for message in messages]
    known = _sort_out(rows, moved=moved)
    try:
        with transaction.atomic(durable=True):
            return known.filled + _create(known.new)
    except IntegrityError:
        # Another process stored one of them since we looked: store them one by one.
        one_by_one = (_store_one(row) for row in known.new)
        return known.filled + [kept for kept in one_by_one if kept is not None]


def store_together(
    batches: Sequence[tuple[Mailbox, Sequence[RawMessage]]], *, now: datetime
) -> list[int]:
    """Commit new messages of several mailboxes, all or none; return the ids of their rows."""
    rows = [
        new_row(mailbox, message, now=now, claimed=False)
        for mailbox, messages in batches
        for message in messages
    ]
    with transaction.atomic(durable=True):
        return [row.pk for row in _create(rows)]


def _create(rows: list[InboundEmail]) -> list[InboundEmail]:
    if rows:
        InboundEmail.objects.store_contents(rows)
    return InboundEmail.objects.bulk_create(rows)


def new_row(mailbox: Mailbox, message: RawMessage, *, now: datetime, claimed: bool) -> InboundEmail:
    """The row of a message, not saved yet."""
    head_start = HEAD_START if message.is_urgent else timedelta()
    return InboundEmail(
        mailbox=mailbox,
        source_id=message.source_id,
        recipient=message.recipient[:254],
        own_raw=message.content,
        peer=message.peer or None,
        oversize=message.oversize,
        digest=hashlib.sha256(message.content).hexdigest(),
        received_at=now,
        attempts=1 if claimed else 0,
        next_attempt_at=now + pause_after(0) if claimed else now - head_start,
        version=find_version() if claimed else None,
    )


@dataclass(frozen=True, slots=True)
class SortedOut:
    """Rows without those that are stored already."""

    new: list[InboundEmail]
    filled: list[InboundEmail]
    """Those that the server did not hand over before; now they have their bytes."""


def _sort_out(rows: list[InboundEmail], *, moved: bool) -> SortedOut:
    """Drop what is stored already; rename what has a stored message's id but other bytes."""
    found = SortedOut([], [])
    if not rows:
        return found
    ours = InboundEmail.objects.filter(mailbox=rows[0].mailbox)
    ids = [row.source_id for row in rows]
    known = dict(ours.filter(source_id__in=ids).values_list("source_id", "digest"))
    held = (
        set(ours.filter(digest__in=[r.digest for r in rows]).values_list("digest", flat=True))
        if moved
        else set()
    )
    for row in rows:
        if known.get(row.source_id) == unreadable.NO_DIGEST and unreadable.fill(row):
            found.filled.append(row)
            continue
        if row.digest in held or known.get(row.source_id) == row.digest:
            continue
        if row.source_id in known and not _rename(row):
            continue
        found.new.append(row)
    return found


def _rename(row: InboundEmail) -> bool:
    """Give it the next free '…#2'; False where one of those holds the same bytes already."""
    ours = InboundEmail.objects.filter(mailbox=row.mailbox)
    plain, number = row.source_id, 2
    while True:
        row.source_id = f"{plain}#{number}"
        digest = ours.filter(source_id=row.source_id).values_list("digest", flat=True).first()
        if digest is None:
            return True
        if digest == row.digest:
            return False
        number += 1


def _store_one(row: InboundEmail) -> InboundEmail | None:
    """Store it, or return None where it is stored already."""
    row.pk = None
    while True:
        known = _sort_out([row], moved=False)
        if not known.new:
            return known.filled[0] if known.filled else None
        try:
            with transaction.atomic(durable=True):
                _create([row])
        except IntegrityError:
            if not InboundEmail.objects.filter(
                mailbox=row.mailbox, source_id=row.source_id
            ).exists():
                raise
        else:
            return row
