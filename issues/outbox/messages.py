"""The message of a row."""

from typing import Any

from django.conf import settings
from django.core import mail

from issues.models import OutgoingEmail, Upload
from issues.outbox.header_fields import clean_header
from issues.outbox.headers import complete_headers
from issues.sending import Picture, put_beside_html
from issues.uploads import read_content

MAX_LINE = 998
"""Octets that RFC 5322 section 2.1.1 allows."""


class Mail(mail.EmailMultiAlternatives):
    """Folds a field only where it must: a Message-ID on a line of its own confuses servers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pictures: list[Picture] = []
        """Those that the HTML shows."""

    def message(self, **options: Any) -> Any:
        message = super().message(**options)
        if self.pictures:
            put_beside_html(message, self.pictures)
        message.policy = message.policy.clone(max_line_length=MAX_LINE)
        return message


def build_message(row: OutgoingEmail) -> Mail:
    """The message of a row: the same bytes, boundary aside, at every attempt."""
    message = Mail(
        subject=clean_header(row.subject),
        body=row.text,
        to=[row.recipient],
        headers=complete_headers(row),
    )
    # Not in the constructor, which takes "" for the default sender: here it is the null path.
    message.from_email = row.envelope_sender
    if row.html:
        message.attach_alternative(row.html, "text/html")
    for upload in Upload.objects.filter(pk__in=row.uploads).order_by("pk") if row.uploads else ():
        content = read_content(upload)
        if content is None:
            continue
        if f'"cid:{content_id(upload.pk)}"' in row.html:
            message.pictures.append(
                Picture(content_id(upload.pk), upload.filename, upload.content_type, content)
            )
        else:
            message.attach(upload.filename, content, upload.content_type)
    return message


def content_id(upload_id: int) -> str:
    """By which the HTML of a mail shows an upload that goes with it (RFC 2392)."""
    return f"upload-{upload_id}@{settings.MESSAGE_ID_HOST}"
