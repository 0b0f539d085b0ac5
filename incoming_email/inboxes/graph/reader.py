"""Reads a Microsoft 365 mailbox by Microsoft Graph; messages are marked once stored on our side."""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Self

import httpx

from incoming_email.inboxes.base import NO_RETRIES, InboxError, RawMessage, Retries
from incoming_email.inboxes.folders import parse_position, write_position
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.connection import (
    FIRST_MOMENT,
    GraphConnection,
    GraphRefusal,
    Listed,
    parse_moment,
)
from incoming_email.inboxes.graph.folders import find_folder
from incoming_email.inboxes.scanning import SCANNING, is_being_scanned
from incoming_email.inboxes.trouble import Trouble

MAX_LISTED = 5_000
"""Messages per reading; the next one starts behind them."""

OF_THE_SERVER = frozenset({401, 403, 429, 502, 503, 504, 509})
"""Statuses that say nothing of the message that was asked for."""

GONE = "the message is no longer in the mailbox"
MAX_KNOWN = 20
MAX_SOURCE_ID = 200
HASHED_ID = re.compile(r"[0-9a-f]{64}")
"""The source id of a message with a longer id, by which it can't be asked for."""

TOO_COMPLEX = "InefficientFilter"


@dataclass(frozen=True, slots=True)
class Mark:
    """When the newest ingested message was received, and which ones of that second.

    Written as `2026-05-01T12:00:00+00:00 1a2b3c4d,…`, then `@` and `starts_at`.
    """

    moment: datetime
    known: tuple[str, ...] = ()
    starts_at: int = 0
    """The account's at the last whole reading, in seconds since 1970; 0: it had none."""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        text, _, starts_at = text.partition("@")
        moment, _, known = text.partition(" ")
        parsed = parse_moment(moment)
        if parsed == FIRST_MOMENT:
            return None
        seconds = int(starts_at) if starts_at.isdecimal() else 0
        return cls(parsed, tuple(filter(None, known.split(","))), seconds)

    def __str__(self) -> str:
        text = f"{self.moment.isoformat()} {','.join(self.known)}".strip()
        return f"{text}@{self.starts_at}" if self.starts_at else text

    def is_known(self, message: Listed) -> bool:
        return message.received_at == self.moment and _short(message.id) in self.known

    def beyond(self, message: Listed) -> "Mark":
        """The mark once this message is ingested too."""
        if message.received_at > self.moment:
            return replace(self, moment=message.received_at, known=(_short(message.id),))
        if message.received_at == self.moment and not self.is_known(message):
            return replace(self, known=(*self.known, _short(message.id))[-MAX_KNOWN:])
        return self


def _short(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()[:8]


class GraphInbox:
    """One folder of one mailbox. Every fault comes out as InboxError."""

    notice = ""

    def __init__(
        self, account: GraphAccount, position: str = "", *, since: datetime | None = None
    ) -> None:
        self._account = account
        self._since = since
        self._connection = GraphConnection(account)
        self._next_poll = time.monotonic()
        self._given: dict[str, Listed] = {}
        self._pause: InboxError | None = None
        try:
            self._folder = find_folder(self._connection, account.folder)
        except InboxError:
            self.close()
            raise
        # Messages that arrive from now on are ingested even if somebody has read them in Outlook.
        own = parse_position(account, position)
        self._starts_at = int(account.starts_at.timestamp()) if account.starts_at else 0
        first = Mark(self._connection.server_time, starts_at=self._starts_at)
        self._mark = Mark.parse(own) or first

    @property
    def position(self) -> str | None:
        return None if self.resynchronised else write_position(self._account, str(self._mark))

    @property
    def resynchronised(self) -> bool:
        return self._since is not None

    def close(self) -> None:
        self._connection.close()

    def unread(self, retries: Retries = NO_RETRIES) -> Iterator[Sequence[RawMessage]]:
        """Oldest first, and what is tried again last. The whole list is read before anything is
        marked: marking moves pages.

        Where the server fails, what was read before is given first.
        """
        self._next_poll = time.monotonic() + self._account.poll_interval
        self._pause = None
        batch: list[RawMessage] = []
        try:
            for message in self._read_all(self._list(MAX_LISTED), retries):
                batch.append(message)
                if self._is_full(batch):
                    yield batch
                    batch = []
        except InboxError as fault:
            self._pause = fault if fault.retry_after else None
            if batch:
                yield batch
            raise
        if batch:
            yield batch
        self._note_start()

    def _is_full(self, batch: Sequence[RawMessage]) -> bool:
        held = sum(len(message.content) for message in batch)
        return len(batch) >= self._account.batch_count or held >= self._account.batch_bytes

    def count_waiting(self) -> int:
        return len(self._list(None))

    def _list(self, limit: int | None) -> list[Listed]:
        """What is wanted, oldest first; at most `limit`."""
        options = self._find_options()
        try:
            found = self._connection.list_messages(self._folder.id, options)
            listed = list(islice(found, limit))
        except GraphRefusal as refusal:
            if refusal.code != TOO_COMPLEX:
                raise
            # Then without order, and without what somebody has read in between.
            plain = {"$filter": self._unread() if self._since is None else self._after()}
            found = self._connection.list_messages(self._folder.id, plain)
            listed = sorted(found, key=lambda each: each.received_at)[:limit]
        return [each for each in listed if not (each.is_read and self._mark.is_known(each))]

    def _find_options(self) -> dict[str, str]:
        """The field of `$orderby` must come first in `$filter`, or Graph refuses the question."""
        wanted = self._after()
        if self._since is None:
            new = f"receivedDateTime ge {_stamp(self._find_first_new())}"
            wanted += f" and (({self._unread()}) or {new})"
        return {"$filter": wanted, "$orderby": "receivedDateTime asc"}

    def _find_first_new(self) -> datetime:
        """From when on mail is wanted though it is read.

        A `starts_at` that was set since the last reading counts; later the server's clock alone.
        """
        starts_at = self._account.starts_at
        if starts_at is None or self._mark.starts_at == self._starts_at:
            return self._mark.moment
        return max(self._mark.moment, starts_at)

    def _note_start(self) -> None:
        """What came before a `starts_at` that is new is left alone by later readings too."""
        reached = min(self._find_first_new(), self._connection.server_time)
        if reached > self._mark.moment:
            self._mark = Mark(reached)
        self._mark = replace(self._mark, starts_at=self._starts_at)

    def _after(self) -> str:
        return f"receivedDateTime ge {_stamp(self._since or FIRST_MOMENT)}"

    def _unread(self) -> str:
        starts_at = self._account.starts_at
        after = f" and receivedDateTime ge {_stamp(starts_at)}" if starts_at else ""
        return f"isRead eq false{after}"

    def _read_all(self, waiting: Iterable[Listed], retries: Retries) -> Iterator[RawMessage]:
        trouble = Trouble(self._account.timeout)
        listed = {_source_id(each.id): each for each in waiting}
        for source_id, each in listed.items():
            if source_id in retries.later or source_id in retries.due:
                continue
            self._given[source_id] = each
            if message := self._read(each, source_id, trouble, retries):
                yield message
                trouble.end_if_too_much()
        for source_id in retries.due:
            # Somebody may have read it in Outlook, so that it is in no list of ours.
            each = listed.get(source_id) or Listed(source_id, FIRST_MOMENT, is_read=True)
            self._given[source_id] = each
            message = self._read(each, source_id, trouble, retries)
            yield message or RawMessage(source_id, b"", fault=GONE, is_gone=True)
            trouble.end_if_too_much()

    def _read(
        self, each: Listed, source_id: str, trouble: Trouble, retries: Retries
    ) -> RawMessage | None:
        """With its fault, where the message can't be had though the server answers otherwise; None
        where it was moved or deleted."""
        try:
            if HASHED_ID.fullmatch(each.id):
                return RawMessage(source_id, b"", fault="its id is not known any more")
            with trouble.reading_one():
                content, oversize = self._connection.read_message(each.id)
        except InboxError as fault:
            status = fault.status if isinstance(fault, GraphRefusal) else 0
            if status == httpx.codes.NOT_FOUND:
                return None
            if fault.retry_after or status in OF_THE_SERVER:
                raise
            self._connection.find_folder(self._folder.id)  # raises where the server is at fault
            return RawMessage(source_id, b"", fault=fault.detail)
        if source_id not in retries.as_they_are and is_being_scanned(content):
            return RawMessage(source_id, b"", fault=SCANNING)
        return RawMessage(source_id, content, oversize=oversize)

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        """Delete or mark as read; an oversize message is never deleted, since we don't have it.

        Raises InboxError where the server wants a pause: it is not asked anything within it, and
        the messages are given once more.
        """
        if self._pause is not None:
            raise self._pause
        for message in messages:
            each = self._given.pop(message.source_id, None)
            if each is None:
                raise InboxError(f"the message {message.source_id} was not read here")
            if not message.fault:
                delete = self._account.delete_after_delivery and not message.oversize
                self._settle(each, delete=delete)
            self._mark = self._mark.beyond(each)

    def _settle(self, each: Listed, *, delete: bool) -> None:
        try:
            if delete:
                self._connection.delete(each.id)
            elif not each.is_read:
                self._connection.mark_read(each.id)
        except GraphRefusal as refusal:
            if refusal.status != httpx.codes.NOT_FOUND:  # somebody else was first
                raise

    def wait(self, seconds: float) -> bool:
        """True when the poll interval is over: Graph does not call."""
        left = self._next_poll - time.monotonic()
        time.sleep(max(0.0, min(left, seconds)))
        return left <= seconds


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _source_id(message_id: str) -> str:
    """Graph's immutable id, which stays the same while the message is in this mailbox."""
    if len(message_id) <= MAX_SOURCE_ID:
        return message_id
    return hashlib.sha256(message_id.encode()).hexdigest()
