"""Mail to people without an account: asked of the floors above through a setting."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from issues.notifications.composing import Story
from issues.outbox import NewMail


class FindMails(Protocol):
    def __call__(self, story: Story, *, now: datetime) -> Sequence[NewMail]:
        """In a constant number of queries; called in the transaction that writes the mails."""


def find_mails_outside(story: Story, *, now: datetime) -> list[NewMail]:
    """What each of ISSUES_RECIPIENT_SOURCES wants to be sent about the event."""
    mails: list[NewMail] = []
    for path in settings.ISSUES_RECIPIENT_SOURCES:
        ask = cast("FindMails", import_string(path))
        mails += ask(story, now=now)
    return mails
