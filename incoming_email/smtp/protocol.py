"""The listener's protocol: SMTP (RFC 5321) or LMTP (RFC 2033), TLS, who may connect, limits."""

import asyncio
import ssl
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope
from django.conf import settings

from incoming_email.networks import is_within, read_address
from incoming_email.smtp.limits import Clients

MAX_LINE_BYTES = 1_000_000
REFUSED_NETWORK = "554 5.7.1 Mail from your network is not accepted here"
TOO_SLOW = "421 4.4.2 You took too long, closing the connection"
NO_MEMORY = "452 4.3.1 Too many large messages at once, try again later"
TLS_FIRST = "530 5.7.0 Must issue a STARTTLS command first"
GO_AHEAD = "354"
TOO_LONG = "500 Line too long (see RFC5321 4.5.3.1.6)"
TOO_LARGE = "552 5.3.4 Message is larger than is taken here"
BYTES_PER_TIMEOUT = 100_000
"""Of content, for which a client has as long as for a command."""

LAST_WORD_SECONDS = 5.0
BUSY_SECONDS = 5.0
FOR_EVER = 10**8
"""Seconds; asyncio has no timer without an end."""


class TlsFilesError(Exception):
    """The certificate or its key can't be used."""


class ListenerSMTP(SMTP):
    """Lines of a megabyte, content in one piece, no greeting for other networks or for clients that
    are too many, and an end for those that are too slow."""

    line_length_limit = MAX_LINE_BYTES

    def __init__(self, *args: Any, clients: Clients, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clients = clients
        self._ends: asyncio.TimerHandle | None = None
        self._is_busy = self._hangs_up = False
        self.refused_recipients = 0
        """Since the last message that was stored."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once more when TLS begins."""
        if self._ends is not None:
            super().connection_made(transport)
            return
        peer = str(transport.get_extra_info("peername")[0])
        refusal = REFUSED_NETWORK
        if is_allowed(peer, settings.SMTP_LISTENER_NETWORKS):
            refusal = self._clients.refuse(id(self), peer)
        if not refusal:
            seconds = settings.SMTP_LISTENER_SESSION_SECONDS
            self._ends = self.loop.call_later(seconds or FOR_EVER, self._timeout_cb)
            super().connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            transport.set_protocol(asyncio.Protocol())
            _dismiss(transport, refusal, self.loop)

    def connection_lost(self, error: Exception | None) -> None:
        self._clients.forget(id(self))
        if self._ends is not None:
            self._ends.cancel()
        super().connection_lost(error)

    def _timeout_cb(self) -> None:  # aiosmtpd's, which closes without a word and without an end
        """A command was not finished in time, or the connection has lasted for too long. While a
        message is stored the answer is waited for: the client would send it again."""
        if self._is_busy:
            self._ends = self.loop.call_later(BUSY_SECONDS, self._timeout_cb)
        elif self.transport is not None:
            self._clients.forget(id(self))
            _dismiss(self.transport, TOO_SLOW, self.loop)

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        self._is_busy = command == "DATA"
        try:
            return await super()._call_handler_hook(command, *args)
        finally:
            self._is_busy = False

    def hang_up(self) -> None:
        """After what is answered next."""
        self._hangs_up = True

    async def push(self, status: str | bytes) -> None:
        await super().push(status)  # type: ignore[type-var]  # a constraint that no union meets
        if self._hangs_up and isinstance(self.transport, asyncio.Transport):
            self.transport.close()
            self.loop.call_later(LAST_WORD_SECONDS, self.transport.abort)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """As aiosmtpd's, but for memory: that one makes an object of each line, so that a message
        takes four times its size before the handler has it."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if self.envelope is None or not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push(f"{GO_AHEAD} End data with <CR><LF>.<CR><LF>")
        try:
            status = await self._read_content(self.envelope)
            if not status:
                status = await self._call_handler_hook("DATA")
        finally:
            self._clients.hold(id(self), 0)
        if "250 " in status:
            self.refused_recipients = 0
        elif status.startswith("5"):
            answer, *_others = status.splitlines()
            self.event_handler.note_refused_content(self.session, self.envelope, answer)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)

    async def _read_content(self, envelope: Envelope) -> str:
        """Into the envelope, without dots that were doubled (RFC 5321 4.5.2). Gives what to answer
        to content that is not kept, once all of it has come."""
        content, size, refusal, begins_line = bytearray(), 0, "", True
        while True:
            try:
                line = await self._reader.readuntil(b"\r\n")
            except asyncio.CancelledError:  # the client is gone
                self._writer.close()
                raise
            except asyncio.LimitOverrunError as overrun:
                refusal = refusal or TOO_LONG
                line = await self._reader.read(overrun.consumed)
            if begins_line and line == b".\r\n":
                envelope.content = bytes(content)
                return refusal
            if (size + len(line)) // BYTES_PER_TIMEOUT > size // BYTES_PER_TIMEOUT:
                self._reset_timeout()
            size += len(line)
            refusal = refusal or self._find_refusal(size)
            if refusal:
                content.clear()
            else:
                content += line[begins_line and line.startswith(b".") :]
            begins_line = line.endswith(b"\r\n")

    def _find_refusal(self, size: int) -> str:
        """Of a message of which so much has come."""
        if size > settings.MAX_MESSAGE_BYTES:
            return TOO_LARGE
        return "" if self._clients.hold(id(self), size) else NO_MEMORY

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802  (aiosmtpd's name)
        """aiosmtpd's own `require_starttls` would refuse LHLO, and with it STARTTLS. What is too
        large by its SIZE (RFC 1870) the handler refuses, which notes it."""
        if settings.SMTP_LISTENER_REQUIRE_TLS and self.session and self.session.ssl is None:
            await self.push(TLS_FIRST)
            return
        limit, self.data_size_limit = self.data_size_limit, None
        try:
            await super().smtp_MAIL(arg)
        finally:
            self.data_size_limit = limit


class ListenerLMTP(ListenerSMTP, LMTP):
    """After the data there is one reply for each accepted recipient (RFC 2033, 4.2)."""

    _owed = 0

    async def push(self, status: str | bytes) -> None:
        text = status if isinstance(status, str) else status.decode()
        answers, self._owed = self._owed, 0
        if text.startswith(GO_AHEAD) and self.envelope is not None:
            self._owed = len(self.envelope.rcpt_tos)
        elif answers > 1 and "\r\n" not in text:  # one reply for all of them
            text = "\r\n".join([text] * answers)
        await super().push(text)


class ListenerController(Controller):
    def __init__(self, handler: object, *, host: str, port: int, lmtp: bool) -> None:
        self._lmtp = lmtp
        self._clients = Clients()
        make_tls_context()  # reports a fault now, and not at the first connection
        super().__init__(handler, hostname=host, port=port)

    def factory(self) -> SMTP:
        kind = ListenerLMTP if self._lmtp else ListenerSMTP
        return kind(
            self.handler,
            clients=self._clients,
            timeout=settings.SMTP_LISTENER_COMMAND_SECONDS or FOR_EVER,
            data_size_limit=settings.MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=settings.MESSAGE_ID_HOST,
            ident="Letterbox",
            loop=self.loop,
            tls_context=make_tls_context(),
        )


def _dismiss(transport: Any, answer: str, loop: asyncio.AbstractEventLoop) -> None:
    """Say why and hang up, also on a client that does not read what is said."""
    transport.write(f"{answer}\r\n".encode())
    transport.close()
    loop.call_later(LAST_WORD_SECONDS, transport.abort)


def is_allowed(peer: str, networks: Sequence[str]) -> bool:
    """This machine itself always is; all are where no networks are configured."""
    address = read_address(peer)
    return not networks or address.is_loopback or is_within(address, networks)


def make_tls_context() -> ssl.SSLContext | None:
    """For STARTTLS; None where no certificate is configured. Loaded again when its files have
    changed."""
    certificate, key = settings.SMTP_LISTENER_CERTIFICATE_FILE, settings.SMTP_LISTENER_KEY_FILE
    if not certificate:
        return None
    files = (certificate, key or certificate)
    try:
        return _load_context(*files, *(Path(file).stat().st_mtime_ns for file in files))
    except OSError as error:  # an SSLError is one
        raise TlsFilesError(f"{certificate}, {key or certificate}: {error}") from error


@lru_cache(maxsize=2)
def _load_context(certificate: str, key: str, *_changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
