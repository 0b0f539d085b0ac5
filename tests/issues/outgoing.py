"""Short words of the tests about outgoing mail: write a row, tell of an event, read the mail."""

import datetime as dt
import email
import email.policy

from issues import outbox, services
from issues.models import Announcement, OutgoingEmail
from issues.notifications import fan_out_owed
from issues.outbox.messages import build_message
from tests.factories import UserFactory

NOW = dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)


def enqueue(n=1, **fields):
    """A row like the others of its number, apart from `fields`."""
    fields = {
        "kind": "notice",
        "effect_key": f"notice-{n}",
        "recipient": f"ann{n}@example.com",
        "subject": "Hello",
        "text": "Good morning",
        "envelope_sender": "",
        "message_id": f"<notice-{n}@letterbox.localhost>",
        "now": NOW,
    } | fields
    return outbox.enqueue(**fields)


def say(item, author=None, body="I heard it too.", **fields):
    author = author or UserFactory()
    return services.create_note(item=item, author=author, body=body, **fields)


def hear():
    """Fan out everything; the addresses that were told of the last announcement."""
    last = Announcement.objects.latest("pk")
    fan_out_owed(now=NOW)
    rows = OutgoingEmail.objects.filter(effect_key__startswith=f"announcement-{last.pk}-")
    return sorted(rows.values_list("recipient", flat=True))


def read(message):
    """As the recipient's program reads it."""
    return email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)


def last_mail(recipient):
    return read(build_message(OutgoingEmail.objects.filter(recipient=recipient).latest("pk")))


def plain(message):
    return message.get_body(("plain",)).get_content()
