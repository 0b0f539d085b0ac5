"""Django's SMTP backend, able to send with the null reverse-path (RFC 5321 section 4.5.5)."""

import re

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.utils.encoding import punycode

LINE_END = re.compile(rb"\r\n|\r|\n")


class EmailBackend(smtp.EmailBackend):
    """Django's own turns an empty envelope sender into the default one, and refuses `<>`."""

    def _send(self, email_message: EmailMessage) -> bool:
        recipients = [write_envelope_address(to) for to in email_message.recipients()]
        if not recipients or self.connection is None:
            return False
        # Django 5.2 and 6.0 have no way in common to ask for these line ends.
        content = LINE_END.sub(b"\r\n", email_message.message().as_bytes())
        sender = write_envelope_address(email_message.from_email)
        self.connection.sendmail(sender, recipients, content)
        return True


def write_envelope_address(address: str) -> str:
    """Without a name, and with its domain in ASCII; "" stays. ValueError if it is not ASCII then.

    SMTP without SMTPUTF8 takes no other (RFC 5321 section 4.1.2).
    """
    bare = address[:-1].rpartition("<")[2] if address.endswith(">") else address
    local, at, domain = bare.rpartition("@")
    if not local.isascii():
        raise ValueError(f"Invalid address {address!r}: only its domain can be written in ASCII.")
    return f"{local}{at}{punycode(domain)}"
