"""Rows that no factory makes: mail that went out, and files."""

from datetime import UTC, datetime

from issues.models import (
    OutgoingEmail,
    Upload,
)
from tests.factories import (
    IssueFactory,
)

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEY = "k3y0k3y0k3y0k3y0k3y0k3y0k"
LETTERS = "abcdefghijklmnopqrstuvwxy"
SECRET = "5ec2e75ec2e75ec2e75ec2e75ec2e7aa"


def make_outgoing(number=0, **fields):
    values = {
        "kind": "new_issue",
        "effect_key": f"effect-{number}",
        "recipient": f"ada{number}@example.com",
        "message_id": f"issue-{number}@letterbox.localhost",
        "from_header": "Letterbox <letterbox@letterbox.localhost>",
        "subject": f"The door number {number}",
        "headers": {
            "Reply-To": f'"acme/shop" <incoming+{KEY}@example.com>',
            "References": f"<reply-{LETTERS}@letterbox.localhost>",
            "List-Unsubscribe": "<https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/>",
        },
        "text": f"It squeaks. https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/ {KEY}",
        "html": "<p onclick='steal()'>It <b>squeaks</b>.</p>"
        "<a href='https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/'>Leave</a>",
        "next_attempt_at": NOW,
        "created_at": NOW,
    }
    return OutgoingEmail.objects.create(**(values | fields))


def make_upload(number=0, **fields):
    issue = fields.pop("issue", None) or IssueFactory()
    values = {
        "project": issue.project,
        "issue": issue,
        "uploader": issue.author,
        "secret": SECRET if not number else f"{number:032x}",
        "filename": f"door-{number}.png",
        "content_type": "image/png",
        "size": 12,
    }
    return Upload.objects.create(**(values | fields))
