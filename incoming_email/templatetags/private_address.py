"""The box with a person's private address for new issues of a project or notes on an issue."""

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone

from incoming_email import sender_tokens
from issues.models import Issue, Project, User

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()


@register.inclusion_tag("incoming_email/private_address.html", takes_context=True)
def private_address(context: dict[str, Any], target: Project | Issue) -> dict[str, Any]:
    """Shows nothing to people who may not write there, and where no mailbox takes mail."""
    request: HttpRequest = context["request"]
    address = find_private_address(request.user, target) if isinstance(request.user, User) else None
    return {
        "address": address,
        "for_issue": isinstance(target, Issue),
        "next": request.path,
        "csrf_token": context.get("csrf_token"),
    }


def find_private_address(user: User, target: Project | Issue) -> str | None:
    now = timezone.now()
    if isinstance(target, Project):
        if not user.has_perm("issues.open_issue", target):
            return None
        return sender_tokens.new_issue_address(user=user, project=target, now=now)
    if not user.has_perm("issues.comment_on", target):
        return None
    return sender_tokens.issue_note_address(user=user, issue=target, now=now)
