"""Django's SMTP backend, able to send with the null reverse-path (RFC 5321 section 4.5.5)."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends import smtp
from django.core.mail.message import sanitize_address


class EmailBackend(smtp.EmailBackend):
    """Django's own turns an empty envelope sender into the default one, and refuses `<>`."""

    def _send(self, email_message: EmailMessage) -> bool:
        encoding = email_message.encoding or settings.DEFAULT_CHARSET
        sender = email_message.from_email
        recipients = [sanitize_address(to, encoding) for to in email_message.recipients()]
        if not recipients or self.connection is None:
            return False
        self.connection.sendmail(
            sanitize_address(sender, encoding) if sender else "",
            recipients,
            email_message.message().as_bytes(linesep="\r\n"),  # type: ignore[call-arg]
        )
        return True
