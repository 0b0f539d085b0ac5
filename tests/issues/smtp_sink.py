"""A mail server for tests: keeps what it takes, and refuses on demand."""

import email.policy
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.controller import Controller


@dataclass(frozen=True)
class Mail:
    sender: str
    recipients: list[str]
    content: bytes
    message: EmailMessage


@dataclass
class Sink:
    """Recipients named in `answers` get that answer at RCPT; `data_answer` goes to every DATA.

    The names of the hooks are aiosmtpd's, which shows the null reverse-path as `<>`.
    """

    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 kept"
    mails: list[Mail] = field(default_factory=list)
    """Each is added whole: a test may look while the server's thread takes the next."""

    senders: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def envelopes(self) -> list[tuple[str, list[str]]]:
        return [(mail.sender, mail.recipients) for mail in self.mails]

    @property
    def messages(self) -> list[EmailMessage]:
        return [mail.message for mail in self.mails]

    @property
    def contents(self) -> list[bytes]:
        return [mail.content for mail in self.mails]

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        self.senders.append(address)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data_answer.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            mail = Mail(envelope.mail_from, list(envelope.rcpt_tos), envelope.content, message)
            self.mails.append(mail)
        return self.data_answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_sink():
    with running_sink_at(free_port()) as sink:
        yield sink


@contextmanager
def running_sink_at(port):
    sink = Sink(port=port)
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
