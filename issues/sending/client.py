"""smtplib's client with a deadline for each exchange as a whole, whatever the server does.

smtplib's time-out is that of one read: a server that sends a byte now and then is waited for for
ever, and so is one whose answer has no last line.
"""

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from issues.connecting import connect

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_LINE_BYTES = 8192
"""RFC 5321 section 4.5.3.1.5 allows 512; smtplib bears as many as this."""

MAX_LINES = 500
CHUNK_BYTES = 65_536
QUIT_SECONDS = 5.0
"""The mail is out; a server that does not say goodbye is left."""

OK = 250
FORWARDED = 251
GO_ON = 354
CLOSING = 421
LINE_START = re.compile(rb"(?m)^\.")


class Stage(StrEnum):
    """The command that the server refused."""

    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"


class TimedOut(smtplib.SMTPServerDisconnected, TimeoutError):
    """The server was silent for too long, or the exchange as a whole took too long."""


class Refused(smtplib.SMTPResponseException):
    """What the server answered to a mail that it did not take."""

    def __init__(self, stage: Stage, code: int, answer: bytes) -> None:
        super().__init__(code, answer)
        self.stage = stage

    @property
    def text(self) -> str:
        answer = self.smtp_error
        return answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)

    def __str__(self) -> str:
        return f"{self.stage}: {self.smtp_code} {self.text}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for, in seconds."""

    silence: float
    """Without a byte, or for the next piece of a mail to be taken."""

    exchange: float
    """For connection and log-in together, and for each mail: MAIL FROM to the last answer."""


class Client(smtplib.SMTP):
    def __init__(
        self,
        host: str,
        port: int,
        *,
        name: str,
        patience: Patience,
        tls: ssl.SSLContext | None = None,
        check_address: Callable[[str], None] | None = None,
    ) -> None:
        """Connects. `name`: for EHLO; empty is the address of this end in brackets (RFC 5321
        section 4.1.4). `tls`: for TLS from the first byte. Raises OSError."""
        self._patience = patience
        self._tls = tls
        self._check_address = check_address
        self._buffer = bytearray()
        self._buffer_source: socket.socket | None = None
        self._silence = patience.silence
        self.begin()
        super().__init__(host, port, local_hostname=name or "localhost", timeout=patience.silence)
        if not name and self.sock is not None:
            self.local_hostname = _write_literal(str(self.sock.getsockname()[0]))

    def begin(self, seconds: float | None = None) -> None:
        """An exchange begins; it ends after so long, or as long as `patience` has it."""
        self._seconds = self._patience.exchange if seconds is None else seconds
        self._ends = time.monotonic() + self._seconds

    def hand_over(
        self, sender: str, recipients: Sequence[str], content: bytes, options: Sequence[str] = ()
    ) -> None:
        """One mail. `content`: with CRLF. Raises Refused where no recipient or the mail itself is
        refused; another OSError where the connection broke, when nobody knows whether it was taken.
        """
        self._announce(sender, recipients, (f"size={len(content)}", *options))
        code, answer = self.docmd("data")
        if code != GO_ON:
            self._refuse(Stage.DATA, code, answer)
        quoted = LINE_START.sub(b"..", content)
        end = b".\r\n" if quoted.endswith(b"\r\n") else b"\r\n.\r\n"
        self.send(quoted + end)
        # RFC 5321 section 4.5.3.2.6: who gives up too early here has the mail sent twice.
        self._silence = self._seconds
        try:
            code, answer = self.getreply()
        finally:
            self._silence = self._patience.silence
        if code != OK:
            self._refuse(Stage.DATA, code, answer)

    def try_address(self, sender: str, recipient: str) -> None:
        """As far as a mail goes without being sent. Raises as `hand_over`."""
        self._announce(sender, [recipient], ())
        self._rset()

    def end(self) -> None:
        """Says goodbye, and closes; never raises."""
        if self.sock is not None:
            self.begin(QUIT_SECONDS)
            with suppress(OSError):
                self.docmd("quit")
        self.close()

    def _announce(self, sender: str, recipients: Sequence[str], options: Sequence[str]) -> None:
        """MAIL FROM, and RCPT TO for each: it is enough that one is taken."""
        self.begin()
        self.command_encoding = "ascii"
        wanted = [each for each in options if not each.startswith("size=") or self.has_extn("size")]
        code, answer = self.mail(sender, wanted)
        if code != OK:
            self._refuse(Stage.MAIL, code, answer)
        answers = [self.rcpt(recipient) for recipient in recipients]
        if all(code not in {OK, FORWARDED} for code, _answer in answers):
            self._refuse(Stage.RCPT, *answers[0])

    def _refuse(self, stage: Stage, code: int, answer: bytes) -> None:
        if code in {CLOSING, -1}:  # -1: an answer without a code, so nothing is known any more
            self.close()
        else:
            self._rset()
        raise Refused(stage, code, answer)

    def _rset(self) -> None:
        """After an answer: a connection that breaks now is found broken by the next mail."""
        with suppress(OSError):
            self.docmd("rset")

    # What smtplib calls to connect, to send and to read

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened = connect(host, port, seconds=self._left(), check_address=self._check_address)
        if self._tls is None:
            return opened
        try:
            opened.settimeout(self._left())
            return self._tls.wrap_socket(opened, server_hostname=host)
        except OSError:
            opened.close()
            raise

    def send(self, s: "ReadableBuffer | str") -> None:
        left = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        while left:
            with self._faults():
                left = left[self._socket().send(left[:CHUNK_BYTES]) :]

    def getreply(self) -> tuple[int, bytes]:
        lines: list[bytes] = []
        while len(lines) < MAX_LINES:
            line = self._read_line()
            lines.append(line[4:].strip(b" \t\r\n"))
            code = int(line[:3]) if line[:3].isdigit() else -1
            if code == -1 or line[3:4] != b"-":
                return code, b"\n".join(lines)
        self.close()
        raise smtplib.SMTPServerDisconnected(f"The server's answer has over {MAX_LINES} lines.")

    def _read_line(self) -> bytes:
        # What came in clear before STARTTLS must not count as said behind it.
        if self._buffer_source is not self.sock:
            self._buffer_source = self.sock
            self._buffer.clear()
        while (end := self._buffer.find(b"\n")) < 0 and len(self._buffer) <= MAX_LINE_BYTES:
            with self._faults():
                received = self._socket().recv(CHUNK_BYTES)
                if not received:
                    raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
            self._buffer += received
        if not 0 <= end <= MAX_LINE_BYTES:
            self.close()
            raise smtplib.SMTPServerDisconnected("The server's answer has too long a line.")
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("Not connected to the server")
        self.sock.settimeout(self._left())
        return self.sock

    def _left(self) -> float:
        """Seconds until the next byte must be there."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimedOut(f"timed out: the exchange took longer than {self._seconds:g} seconds")
        return min(left, self._silence)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Closes the connection at a fault of it: nothing that comes later may be taken for an
        answer."""
        try:
            yield
        except TimedOut:
            self.close()
            raise
        except TimeoutError as error:
            self.close()
            is_over = time.monotonic() >= self._ends
            raise TimedOut(
                f"timed out: the exchange took longer than {self._seconds:g} seconds"
                if is_over
                else f"timed out: no answer within {self._silence:g} seconds"
            ) from error
        except smtplib.SMTPServerDisconnected:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(
                f"Connection unexpectedly closed: {error}"
            ) from error


def _write_literal(address: str) -> str:
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
