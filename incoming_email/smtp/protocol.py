"""The listener's protocol: SMTP (RFC 5321) or LMTP (RFC 2033), TLS, who may connect, limits."""

import asyncio
import ssl
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope
from django.conf import settings

from incoming_email.networks import is_within, read_address

MAX_LINE_BYTES = 1_000_000
REFUSED_NETWORK = b"554 5.7.1 Mail from your network is not accepted here\r\n"
TLS_FIRST = "530 5.7.0 Must issue a STARTTLS command first"
GO_AHEAD = "354"
TOO_LONG = "500 Line too long (see RFC5321 4.5.3.1.6)"
TOO_MUCH = "552 Error: Too much mail data"


class TlsFilesError(Exception):
    """The certificate or its key can't be used."""


class ListenerSMTP(SMTP):
    """Lines of a megabyte, content in one piece, and no greeting for other networks."""

    line_length_limit = MAX_LINE_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        if is_allowed(str(peer[0]), settings.SMTP_LISTENER_NETWORKS):
            super().connection_made(transport)
        elif isinstance(transport, asyncio.Transport):
            transport.set_protocol(asyncio.Protocol())
            transport.write(REFUSED_NETWORK)
            transport.close()

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
        status = await self._read_content(self.envelope)
        if not status:
            status = await self._call_handler_hook("DATA")
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
            size += len(line)
            if size > settings.MAX_MESSAGE_BYTES:
                refusal = refusal or TOO_MUCH
            if refusal:
                content.clear()
            else:
                content += line[begins_line and line.startswith(b".") :]
            begins_line = line.endswith(b"\r\n")

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802  (aiosmtpd's name)
        """aiosmtpd's own `require_starttls` would refuse LHLO, and with it STARTTLS."""
        if settings.SMTP_LISTENER_REQUIRE_TLS and self.session and self.session.ssl is None:
            await self.push(TLS_FIRST)
        else:
            await super().smtp_MAIL(arg)


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
        make_tls_context()  # reports a fault now, and not at the first connection
        super().__init__(handler, hostname=host, port=port)

    def factory(self) -> SMTP:
        kind = ListenerLMTP if self._lmtp else ListenerSMTP
        return kind(
            self.handler,
            data_size_limit=settings.MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=settings.MESSAGE_ID_HOST,
            ident="Letterbox",
            loop=self.loop,
            tls_context=make_tls_context(),
        )


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
