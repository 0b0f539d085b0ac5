"""The SMTP and LMTP listener: unknown recipients are refused at RCPT, 250 means committed."""

import asyncio
import logging
import re
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.db import Error
from django.utils import timezone

from incoming_email import free_space
from incoming_email.handlers.base import Context, Handler
from incoming_email.inboxes.base import RawMessage
from incoming_email.inboxes.smtp.descriptor import SMTP as SMTP_METHOD
from incoming_email.keys import own_addresses, probe_keys
from incoming_email.keys.answered import find_keys_named
from incoming_email.models import Mailbox, heartbeats
from incoming_email.networks import read_address
from incoming_email.pipeline import faults, receiving
from incoming_email.pipeline.resolving import canonical_key, find_matches
from incoming_email.smtp import refusals
from incoming_email.smtp.protocol import TOO_LARGE, ListenerController, ListenerSMTP
from incoming_email.smtp.refusals import Refusal, Refusals
from issues import broker, connections, memory
from issues.mail_addresses import lower_ascii

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

OK = "250 2.1.5 OK"
UNKNOWN = "550 5.1.1 No such recipient here"
TRY_LATER = "451 4.3.0 Requested action aborted: local error, try again later"
NOT_AN_ADDRESS = "553 5.1.3 The address is not in UTF-8"
NO_SPACE = "452 4.3.1 Insufficient system storage, try again later"
BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
BAD_RECIPIENTS = "421 4.7.0 Too many unknown recipients, closing the connection"
FREE_REFUSALS = 3
SLOWEST_SECONDS = 5.0
MIN_RECIPIENTS = 100
"""Of one transaction, which a server must take (RFC 5321 4.5.3.1.8)."""

DATABASE_THREADS = 4
DATABASE_SECONDS = 60.0
"""A table may be locked for longer than a sender waits for an answer (RFC 5321 4.5.3.2: 5 minutes).
What is stored after a 451 is sent again, and the second row ends as a duplicate."""

HEARTBEAT_SECONDS = 30


def find_mailbox(address: str) -> Mailbox | None:
    """The mailbox that accepts mail for this envelope recipient, or None: refuse it."""
    found = _find_target(address)
    return None if found is None else found[0]


def _find_target(address: str) -> tuple[Mailbox, str] | None:
    """The mailbox, and the key by which it takes this address: empty where it has none.

    A key that is wholly secret must resolve, and that of a desk must be one that takes mail. One
    that names a project and holds a secret is accepted by its form, so that replies do not reveal
    which projects exist. An address of another domain that forwards to us, such as a desk's own, is
    treated as the key that it resolves to.
    """
    mailboxes = list(Mailbox.objects.filter(enabled=True, inbox_method=SMTP_METHOD.name))
    for mailbox in mailboxes:
        template = mailbox.template
        key = template.find_key(address)
        if key is None:
            if not template.has_key and template.matches(address):
                return mailbox, ""
        elif _is_key_taken(key, mailbox):
            return mailbox, key
    address = lower_ascii(address)
    key = own_addresses.find_forwarded([address]).get(address)
    for mailbox in mailboxes:
        if key and _is_key_taken(key, mailbox, address):
            return mailbox, key
    return _find_postmaster(address, mailboxes)


def _find_postmaster(address: str, mailboxes: Sequence[Mailbox]) -> tuple[Mailbox, str] | None:
    """Mail for the postmaster is taken by the first mailbox of the domain, and held there."""
    for mailbox in mailboxes:
        if mailbox.template.is_postmaster(address):
            return mailbox, ""
    return None


def _is_key_taken(key: str, mailbox: Mailbox, forwarding: str = "") -> bool:
    if not forwarding and probe_keys.read_key(key) is not None:
        return True
    matches = find_matches(key, mailbox.purpose)
    if any(not handler.refused_at_rcpt for handler, _match in matches):
        return True
    context = Context(
        0,
        timezone.now(),
        mailbox.purpose,
        find_keys_named([key]),
        forwarded={forwarding: key} if forwarding else {},
    )
    return any(_leads_somewhere(handler, match, context) for handler, match in matches)


def _leads_somewhere(handler: Handler, match: re.Match[str], context: Context) -> bool:
    """A secret key also where it has ended: who has it is told why by mail."""
    target = handler.resolve(match, context)
    return target is not None and (handler.secret_key or target.refusal is None)


def store(content: bytes, recipients: list[str], peer: str) -> list[int]:
    """Commit one row a key, all in one transaction; return their ids. Recipients that spell the
    same key differently are one."""
    queue_id = uuid.uuid4().hex
    now = timezone.now()
    messages: dict[int, list[RawMessage]] = {}
    mailboxes: dict[int, Mailbox] = {}
    seen: set[tuple[int, str]] = set()
    for recipient in dict.fromkeys(recipients):
        found = _find_target(recipient)
        if found is None:  # disabled or revoked since RCPT
            raise LookupError
        mailbox, key = found
        matches = find_matches(key, mailbox.purpose)
        named = (mailbox.pk, canonical_key(key, matches))
        if named in seen:
            continue
        seen.add(named)
        mailboxes[mailbox.pk] = mailbox
        source_id = f"{queue_id}:{recipient}"[:255]
        # Nobody can write to a secret key who was not given it.
        is_urgent = bool(key) and all(handler.secret_key for handler, _match in matches)
        message = RawMessage(source_id, content, recipient, peer=peer, is_urgent=is_urgent)
        messages.setdefault(mailbox.pk, []).append(message)
    ids = receiving.store_together(
        [(mailboxes[pk], batch) for pk, batch in messages.items()], now=now
    )
    if len(content) > memory.LARGE_BYTES:
        memory.give_back()
    return ids


class ListenerHandler:
    """aiosmtpd's handler. Database work runs in threads, off the event loop.

    By SMTP all recipients of a message are one transaction. By LMTP each one is, with its own
    reply, so that one can be accepted while another is tried again.
    """

    def __init__(self, *, lmtp: bool) -> None:
        self._lmtp = lmtp
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="listener")
        self._refusals = Refusals()

    async def _in_thread(self, work: Callable[..., Result], *args: Any) -> Result:
        """Raises TimeoutError where the database neither answers nor fails."""
        async with asyncio.timeout(DATABASE_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, _as_unit_of_work, work, *args
            )

    async def handle_MAIL(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        """Before the content comes: RFC 5321 4.2.3, RFC 3463 3.4, and by SIZE RFC 1870 6.1."""
        size = _read_size(mail_options)
        if size > settings.MAX_MESSAGE_BYTES:
            self._note(session, address, "", TOO_LARGE)
            return TOO_LARGE
        loop = asyncio.get_running_loop()
        if await loop.run_in_executor(None, free_space.find_shortage, size):
            return NO_SPACE
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name and arguments)
        self,
        server: ListenerSMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= max(settings.MAX_RECIPIENTS, MIN_RECIPIENTS):
            return "452 4.5.3 Too many recipients, send the rest in another transaction"
        if not _is_utf_8(address):
            return NOT_AN_ADDRESS
        try:
            mailbox = await self._in_thread(find_mailbox, address)
        except (Error, TimeoutError) as fault:
            logger.exception("recipient not looked up")
            return _put_off(fault)
        if mailbox is None:
            answer = await _refuse(server)
            self._note(session, envelope.mail_from, address, answer)
            return answer
        envelope.rcpt_tos.append(address)
        return OK

    def note_refused_content(self, session: Session, envelope: Envelope, answer: str) -> None:
        for recipient in dict.fromkeys(envelope.rcpt_tos):
            self._note(session, envelope.mail_from, recipient, answer)

    def _note(self, session: Session, sender: str | None, recipient: str, answer: str) -> None:
        """It is written a second later, with others: the client waits for no database."""
        refusal = Refusal(_find_peer(session), (sender or "").strip("<>"), recipient, answer)
        if self._refusals.add(refusal):
            loop = asyncio.get_running_loop()
            loop.call_later(refusals.SECONDS, self._threads.submit, self.write_refusals)

    def write_refusals(self) -> None:
        with connections.surviving_faults("refused recipients"):
            self._refusals.write()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        if not isinstance(content, bytes):
            return TRY_LATER
        if BARE_LINE_END.search(content):
            return "550 5.6.0 A line must end with CR LF (RFC 5321 2.3.8)"
        envelope.content = None  # or it would be there twice for as long as the database takes
        content = _with_return_path(content, envelope.mail_from or "")
        peer = _find_peer(session)
        if not self._lmtp:
            return await self._take(content, list(envelope.rcpt_tos), peer)
        answers = {
            recipient: await self._take(content, [recipient], peer)
            for recipient in dict.fromkeys(envelope.rcpt_tos)
        }
        return "\r\n".join(answers[recipient] for recipient in envelope.rcpt_tos)

    async def _take(self, content: bytes, recipients: list[str], peer: str) -> str:
        try:
            ids = await self._in_thread(store, content, recipients, peer)
        except LookupError:
            return UNKNOWN
        except (Error, TimeoutError) as fault:
            logger.exception("message not stored")
            return _put_off(fault)
        # Nobody waits for the broker: what is lost here the sweep finds a minute later.
        for pk in ids:
            broker.send("incoming_email.process", expires=None, inbound_email_id=pk)
        return f"250 2.0.0 OK: queued as {', '.join(map(str, ids))}"

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """LMTP requires PIPELINING (RFC 2033, section 5); the reader supports it already."""
        session.host_name = hostname
        if not self._lmtp:
            return responses
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_exception(self, error: Exception) -> str:
        """Every fault here is ours: a 5xx would make the sender give the mail up."""
        logger.error("listener failed", exc_info=error)
        return TRY_LATER


def _find_peer(session: Session) -> str:
    return str(read_address(str(session.peer[0]))) if session.peer else ""


def _is_utf_8(address: str) -> bool:
    """aiosmtpd makes half surrogate pairs of bytes that are none; no database takes these."""
    try:
        address.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _refuse(server: ListenerSMTP) -> str:
    """More slowly each time, and at last for good: who tries addresses learns little in an hour."""
    server.refused_recipients += 1
    most = settings.SMTP_LISTENER_MAX_BAD_RECIPIENTS
    if 0 < most <= server.refused_recipients:
        server.hang_up()
        return BAD_RECIPIENTS
    await asyncio.sleep(min(SLOWEST_SECONDS, max(0, server.refused_recipients - FREE_REFUSALS)))
    return UNKNOWN


def _put_off(fault: Exception) -> str:
    return NO_SPACE if faults.is_disk_full(fault) else TRY_LATER


def _read_size(mail_options: list[str]) -> int:
    """What the client declares; 0 where it says nothing. Of several, aiosmtpd has looked at the
    last one only, and takes a superscript for a digit."""
    sizes = (option.removeprefix("SIZE=") for option in mail_options if option.startswith("SIZE="))
    return max((int(size) for size in sizes if size.isdecimal()), default=0)


def _with_return_path(content: bytes, mail_from: str) -> bytes:
    """As final delivery must write it (RFC 5321 4.4): mail of `<>` is never answered."""
    path = re.sub(r"[\x00-\x20<>\x7f]", "", mail_from)
    return f"Return-Path: <{path}>\r\n".encode(errors="replace") + content


def _as_unit_of_work(work: Callable[..., Result], *args: Any) -> Result:
    with connections.unit_of_work():
        return work(*args)


def start_listener(host: str, port: int, *, lmtp: bool = False) -> ListenerController:
    """Start listening in a thread of its own; `stop()` ends it. Raises OSError, TlsFilesError."""
    controller = ListenerController(ListenerHandler(lmtp=lmtp), host=host, port=port, lmtp=lmtp)
    controller.start()
    return controller


def record_heartbeat() -> None:
    """Record for the check that the listener is running. Without the database it goes on too:
    senders are told to try later, and would else be refused."""
    with connections.surviving_faults("sign of life"):
        heartbeats.record_heartbeat(heartbeats.SMTP_LISTENER, now=timezone.now())
