"""The box with a person's private address: for new issues, new merge requests, or notes."""

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone

from incoming_email.keys import sender_tokens
from issues.models import Issue, Project, User

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()
TEMPLATE = "incoming_email/private_address.html"


@register.inclusion_tag(TEMPLATE, takes_context=True)
def private_address(context: dict[str, Any], target: Project | Issue) -> dict[str, Any]:
    """Empty for people who may not write there, and where no mailbox receives mail."""
    user = context["request"].user
    address = find_private_address(user, target) if isinstance(user, User) else None
    return _box(context, address, kind="note" if isinstance(target, Issue) else "issue")


@register.inclusion_tag(TEMPLATE, takes_context=True)
def private_merge_request_address(context: dict[str, Any], project: Project) -> dict[str, Any]:
    user = context["request"].user
    address = None
    if isinstance(user, User) and user.has_perm("issues.open_merge_request", project):
        address = sender_tokens.new_merge_request_address(
            user=user, project=project, now=timezone.now()
        )
    return _box(context, address, kind="merge request")


def _box(context: dict[str, Any], address: str | None, *, kind: str) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    return {
        "address": address,
        "kind": kind,
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
