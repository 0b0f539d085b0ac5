"""Reopens a closed ticket when a participant writes, and notifies the assignees."""

from django.utils.translation import gettext as _

from issues import services
from issues.models import Issue, User


def reopen_for_participant(issue: Issue, *, bot: User) -> None:
    """Adds an internal note that mentions the assignees, so that they are notified."""
    services.reopen_item(item=issue, actor=bot)
    names = " ".join(f"@{user.username}" for user in issue.assignees.order_by("pk"))
    sentence = _("This ticket was opened again, since a participant wrote by mail.")
    services.create_note(item=issue, author=bot, body=f"{names} {sentence}".strip(), internal=True)
