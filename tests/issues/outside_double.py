"""A double of the application above: external participants, and a mail server of their project."""

from issues.outbox import NewMail
from issues.sending import EmailBackend

ports = {}
"""By account: the port on loopback that it sends to."""


def find_mails(story, *, now):
    return [
        NewMail(
            kind="outside",
            effect_key=f"outside-{story.announcement_id}",
            recipient="customer@example.org",
            subject=story.subject,
            text=story.text,
            envelope_sender="",
            message_id=f"outside-{story.announcement_id}@letterbox.localhost",
        )
    ]


def find_connection(account):
    return EmailBackend(host="127.0.0.1", port=ports[account]) if account in ports else None
