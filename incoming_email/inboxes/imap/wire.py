"""The bytes of an IMAP connection: bounded in size and time, and with IDLE that sees every line.

Each command, from its first byte to the last one of its answer, has a deadline, whatever the
server sends meanwhile.
"""

import imaplib
import re
import socket
import ssl
import time
from typing import TYPE_CHECKING

from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.networks import require_public
from issues.connecting import connect

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CHUNK_BYTES = 262_144
MAX_LINE_BYTES = 10_000_000
"""Enough for the answer to a SEARCH that finds a million messages."""

SLACK_BYTES = 16_000_000
"""What one answer may hold beyond its messages: headers, flags, notices of other messages."""

MAX_LINES = 250_000
"""In one answer: enough for a notice of each message of a large folder."""

MAX_NOTICES = 1_000
"""Untagged lines of a kind that are kept from one command to the next."""

TIMEOUTS_PER_COMMAND = 2
"""A command is given up after this many times the account's time-out, however much comes."""

BYTES_PER_SECOND = 64_000
"""What a link must carry: a command that asks for messages has that much longer."""

KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""Seconds of silence before the first probe, between two probes, and how many may fail."""

FETCH_LINE = re.compile(rb"\* \d+ FETCH ", re.IGNORECASE)
BYE_LINE = re.compile(rb"\* BYE ?(.*)", re.IGNORECASE)
ALERT_LINE = re.compile(
    rb"\S+ (?:OK|NO|BAD|BYE|PREAUTH) \[(?:ALERT|OVERQUOTA)\] ?([^\r\n]*)", re.IGNORECASE
)
MAX_ALERTS = 5
MAX_ALERT_BYTES = 300
CHANGE_LINE = re.compile(rb"\* (?:(\d+) (EXISTS|RECENT|EXPUNGE|FETCH)|VANISHED)\b", re.IGNORECASE)


def keep_alive(connection: socket.socket) -> None:
    """Enable TCP keep-alive, to notice a dead peer while an IDLE is silent for many minutes.

    It also keeps the connection in the tables of firewalls, which drop idle ones.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE:
        if hasattr(socket, name):  # not on every system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class BoundedIMAP4(imaplib.IMAP4):
    """imaplib with a reader of its own.

    imaplib allocates whatever a literal announces, and after a time-out its file object can't be
    read any more, which makes IDLE lose lines.
    """

    def __init__(
        self,
        account: ImapAccount,
        *,
        tls: ssl.SSLContext | None,
        cutoff: float | None = None,
    ) -> None:
        """`tls`: for TLS from the first byte. `cutoff`: monotonic time when all must be over."""
        self.cutoff = cutoff
        self._account = account
        self._tls = tls
        self._limit = SLACK_BYTES
        self.expected_bytes = 0
        """How many the messages have that the next command asks for."""

        self._buffer = bytearray()
        self._buffer_source: socket.socket | None = None
        self._in_fetch = self._after_literal = False
        self.alerts: list[str] = []
        """Texts that people must be shown (RFC 3501, section 7.1), the newest last."""

        self._renew()
        super().__init__(account.host, account.port, timeout=account.timeout)

    def _renew(self) -> None:
        """Another exchange begins, with an allowance of bytes, lines and seconds of its own."""
        expected, self.expected_bytes = self.expected_bytes, 0
        self._allowance = self._limit = SLACK_BYTES + expected
        self._lines_left = MAX_LINES
        seconds = self._account.timeout * TIMEOUTS_PER_COMMAND + expected / BYTES_PER_SECOND
        self._deadline = time.monotonic() + seconds

    def _patience(self, wish: float) -> float:
        """Seconds that may be waited for the next bytes, at most `wish`."""
        end = self._deadline if self.cutoff is None else min(self._deadline, self.cutoff)
        left = min(wish, end - time.monotonic())
        if left <= 0:
            raise TimeoutError("the server did not finish its answer in time")
        return left

    def _create_socket(self, timeout: float | None) -> socket.socket:
        account = self._account
        within = self._patience(account.timeout)
        check = None if account.local_networks else require_public
        plain = connect(account.host, account.port, seconds=within, check_address=check)
        try:
            keep_alive(plain)
            if self._tls is None:
                return plain
            # The handshake as a whole has the time-out, not each of its reads.
            plain.settimeout(self._patience(account.timeout))
            return self._tls.wrap_socket(plain, server_hostname=account.host)
        except BaseException:
            plain.close()
            raise

    def _command(self, name: str, *args: object) -> bytes:
        """imaplib's: sends a command. Its continuations have no time of their own, or a server
        that asks for one after the other would never be given up."""
        self._renew()
        for lines in self.untagged_responses.values():
            del lines[:-MAX_NOTICES]
        tag: bytes = super()._command(name, *args)  # type: ignore[misc]  # not in typeshed
        return tag

    def send(self, data: "ReadableBuffer") -> None:
        self.sock.settimeout(self._patience(self._account.timeout))
        super().send(data)

    def _receive(self, wish: float) -> bytes:
        """The next bytes; empty when the server has closed. Waits at most `wish` seconds."""
        self.sock.settimeout(self._patience(wish))
        data = self.sock.recv(CHUNK_BYTES)
        self._allowance -= len(data)
        if self._allowance < 0:
            raise self.abort(f"the server sent more than {self._limit} bytes in one answer")
        return data

    def _checked_buffer(self) -> bytearray:
        """The bytes not yet used.

        Bytes that came in clear behind the answer to STARTTLS must not count as protected
        (RFC 3501 section 6.2.1; response injection, CVE-2021-33515).
        """
        if self._buffer_source is not self.sock:
            if self._buffer:
                raise self.abort("the server sent data in clear behind its answer to STARTTLS")
            self._buffer_source = self.sock
        return self._buffer

    def read(self, size: int) -> bytes:
        """A literal. Refused before anything is allocated when it is larger than can be right."""
        buffer = self._checked_buffer()
        if size > self._allowance + len(buffer):
            raise self.abort(f"the server announced {size} bytes, more than can be accepted")
        while len(buffer) < size and (data := self._receive(self._account.timeout)):
            buffer += data
        if len(buffer) < size:
            raise self.abort("socket error: EOF within a message")
        literal = bytes(memoryview(buffer)[:size])
        del buffer[:size]
        self._after_literal = True
        return literal

    def readline(self) -> bytes:
        """A line; an empty one behind a literal of a FETCH is dropped (cpython gh-88574)."""
        line = self._next_line()
        if not self._after_literal:
            self._in_fetch = FETCH_LINE.match(line) is not None
            return line
        self._after_literal = False
        return self._next_line() if self._in_fetch and line == b"\r\n" else line

    def _next_line(self) -> bytes:
        self._lines_left -= 1
        if self._lines_left < 0:
            raise self.abort(f"the server sent more than {MAX_LINES} lines in one answer")
        buffer = self._checked_buffer()
        start = 0
        while (end := buffer.find(b"\n", start)) < 0:
            start = len(buffer)
            if start > MAX_LINE_BYTES:
                raise self.abort(f"the server sent a line of more than {MAX_LINE_BYTES} bytes")
            data = self._receive(self._account.timeout)
            if not data:
                end = len(buffer)
                break
            buffer += data
        line = bytes(memoryview(buffer)[: end + 1])
        del buffer[: end + 1]
        self._note_alert(line)
        return line

    def _note_alert(self, line: bytes) -> None:
        match = ALERT_LINE.match(line)
        if match is None:
            return
        text = match[1][:MAX_ALERT_BYTES].decode("utf-8", "replace")
        others = [alert for alert in self.alerts if alert != text]
        self.alerts = [*others, text][-MAX_ALERTS:]

    def _has_line(self, seconds: float) -> bool:
        """Whether a whole line is there within `seconds`; half a line stays in the buffer."""
        buffer = self._checked_buffer()
        self._deadline = time.monotonic() + seconds
        while b"\n" not in buffer:
            try:
                data = self._receive(seconds)
            except TimeoutError:
                return False
            if not data:
                raise self.abort("socket error: EOF")
            buffer += data
            if len(buffer) > MAX_LINE_BYTES:
                raise self.abort(f"the server sent a line of more than {MAX_LINE_BYTES} bytes")
        return True

    def idle_lines(self, seconds: float) -> list[bytes] | None:
        """Lines that arrived in one IDLE, which ends with the first change; None if it is refused.

        Untagged lines before the `+ idling` are included (libetpan#393).
        """
        tag: bytes = self._command("IDLE")
        lines = []
        while (line := self._get_response()) is not None:
            if self.tagged_commands[tag] is not None:
                del self.tagged_commands[tag]
                return None
            lines.append(line)
        end = time.monotonic() + seconds
        while not any(CHANGE_LINE.match(line) for line in lines):
            left = end - time.monotonic()
            if left <= 0 or not self._has_line(left):
                break
            lines.append(self._get_line())
            if bye := BYE_LINE.match(lines[-1]):
                raise self.abort(bye[1].decode("utf-8", "replace"))
        self._renew()
        self.send(b"DONE\r\n")
        return lines + self._lines_until_done(tag)

    def _lines_until_done(self, tag: bytes) -> list[bytes]:
        lines: list[bytes] = []
        while self.tagged_commands[tag] is None:
            line = self._get_response()
            if line is not None:
                lines.append(line)
            self._check_bye()
        del self.tagged_commands[tag]
        return lines
