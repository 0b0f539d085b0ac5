"""The message of a row."""

from typing import Any

from django.core import mail
from django.utils.dateformat import format as format_date

from issues.models import OutgoingEmail, Upload
from issues.outbox.header_fields import clean_header, origin_of
from issues.uploads import read_content

MAX_LINE = 998
"""Octets that RFC 5322 section 2.1.1 allows."""


class Mail(mail.EmailMultiAlternatives):
    """Folds a field only where it must: a Message-ID on a line of its own confuses servers."""

    def message(self, **options: Any) -> Any:
        message = super().message(**options)
        message.policy = message.policy.clone(max_line_length=MAX_LINE)
        return message


def build_message(row: OutgoingEmail) -> Mail:
    """The message of a row: the same bytes, boundary aside, at every attempt."""
    message_id = f"<{row.message_id}>"
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        **{name: clean_header(str(value)) for name, value in row.headers.items()},
        "From": clean_header(row.from_header),
        "Date": format_date(row.created_at, "r"),
        "Message-ID": message_id,
        "X-Letterbox-Origin": origin_of(message_id),
    }
    message = Mail(
        subject=clean_header(row.subject), body=row.text, to=[row.recipient], headers=headers
    )
    # Not in the constructor, which takes "" for the default sender: here it is the null path.
    message.from_email = row.envelope_sender
    if row.html:
        message.attach_alternative(row.html, "text/html")
    for upload in Upload.objects.filter(pk__in=row.uploads).order_by("pk") if row.uploads else ():
        content = read_content(upload)
        if content is not None:
            message.attach(upload.filename, content, upload.content_type)
    return message
