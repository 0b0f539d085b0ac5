"""Mail to people without an account: asked of the layers above."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from issues.extension_points import ExtensionPoint, declare
from issues.notifications.composing import Story
from issues.outbox import NewMail


class FindMails(Protocol):
    def __call__(self, story: Story, *, now: datetime) -> Sequence[NewMail]:
        """In a constant number of queries; called in the transaction that writes the mails."""


MAIL_SOURCES: ExtensionPoint[FindMails] = declare(
    "mail to people without an account", takes_several=True
)


def find_external_mails(story: Story, *, now: datetime) -> list[NewMail]:
    """What each source wants to be sent about the event."""
    return [
        replace(mail, announcement_id=story.announcement_id)
        for ask in MAIL_SOURCES.registered
        for mail in ask(story, now=now)
    ]
