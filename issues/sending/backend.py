"""Django's SMTP backend, with a deadline for all that it does and the null reverse-path (RFC 5321
section 4.5.5)."""

import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from issues.mail_addresses import write_domain
from issues.sending.client import Client, Patience
from issues.sending.encoding import encode_7bit, end_lines, write_recipients


class Unsendable(ValueError):
    """No later attempt at this mail by this server will do better."""


class EmailBackend(smtp.EmailBackend):
    """Django's own turns an empty envelope sender into the default one, and refuses `<>`."""

    def __init__(self, *args: Any, exchange_seconds: float | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience = Patience(
            silence=self.timeout or settings.EMAIL_TIMEOUT,
            exchange=exchange_seconds or settings.EMAIL_EXCHANGE_SECONDS,
        )

    def open(self) -> bool:
        """Connect and log in, within the time of one exchange. Raises OSError, and ValueError for a
        user, password or host that can't be sent."""
        if self.connection is not None:
            return False
        client = Client(
            self.host,
            self.port,
            name=settings.EMAIL_EHLO_NAME,
            patience=self._patience,
            tls=self.ssl_context if self.use_ssl else None,
            check_address=self.check_address,
        )
        try:
            if self.use_tls:
                client.starttls(context=self.ssl_context)
            client.ehlo_or_helo_if_needed()
            self.log_in(client)
        except BaseException:
            client.close()
            raise
        self.connection = client
        return True

    def check_address(self, address: str) -> None:
        """Raises OSError for an IP address that must not be connected to."""

    def log_in(self, client: smtplib.SMTP) -> None:
        if self.username and self.password:
            client.login(self.username, self.password)

    def close(self) -> None:
        """Takes a few seconds at most, and never raises: what was taken is taken."""
        if isinstance(self.connection, Client):
            self.connection.end()
        self.connection = None

    def try_address(self, address: str) -> None:
        """Whether the server would take a mail from this address to itself; none is sent. Opens the
        connection. Raises as `send_messages`."""
        self.open()
        if isinstance(self.connection, Client):
            envelope = write_envelope_address(address)
            self.connection.try_address(envelope, envelope)

    def _send(self, email_message: EmailMessage) -> bool:
        client = self.connection
        if not isinstance(client, Client):
            return False
        written = [to for to in email_message.recipients() if to]
        if not written:
            raise Unsendable("The mail has no recipient.")
        sender, recipients = (
            write_envelope_address(email_message.from_email),
            [write_envelope_address(to) for to in written],
        )
        # Django 5.2 and 6.0 have no way in common to ask for these line ends.
        content = end_lines(email_message.message().as_bytes())
        options: list[str] = []
        takes_8bit = client.has_extn("8bitmime")
        if not all(address.isascii() for address in (sender, *recipients)):
            if not (takes_8bit and client.has_extn("smtputf8")):
                raise Unsendable(
                    f"The address {', '.join([sender, *recipients])} has characters beyond ASCII"
                    " before its @, and the mail server does not take those (SMTPUTF8, RFC 6531)."
                )
            content = write_recipients(content, written)
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        elif not content.isascii():
            if takes_8bit:
                options = ["BODY=8BITMIME"]
            else:
                content = encode_7bit(content)
        client.hand_over(sender, recipients, content, options)
        return True


def write_envelope_address(address: str) -> str:
    """Without a name, and with its domain in ASCII; "" stays. Raises Unsendable."""
    bare = address[:-1].rpartition("<")[2] if address.endswith(">") else address
    local, at, domain = bare.rpartition("@")
    try:
        return f"{local}{at}{write_domain(domain)}"
    except UnicodeError:
        raise Unsendable(f"The domain of the address {bare} is none that DNS knows.") from None
