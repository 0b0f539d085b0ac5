"""Counters of messages that wait for a person: of all in the admin, of a project on its page."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import template
from django.db.models import Count

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from issues.models import Project, User

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()


@dataclass(frozen=True, slots=True)
class HeldCounts:
    """What waits for a person, and spam."""

    waiting: int = 0
    spam: int = 0


@register.simple_tag
def count_held_mail() -> HeldCounts:
    """Of all projects. Two queries, each of which an index answers."""
    spam = InboundEmail.objects.held_spam().count()
    return HeldCounts(InboundEmail.objects.filter(status=Status.HELD).count() - spam, spam)


@register.simple_tag(takes_context=True)
def count_held_mail_of(context: dict[str, Any], project: Project) -> HeldCounts:
    """For maintainers and owners of the project; nothing for everybody else. One query."""
    request: HttpRequest = context["request"]
    user = request.user
    if not (isinstance(user, User) and user.has_perm("issues.administer_project", project)):
        return HeldCounts()
    rows = InboundEmail.objects.order_by().filter(status=Status.HELD, project=project)
    counts = dict(rows.values_list("reason").annotate(n=Count("*")))
    spam = counts.pop(Reason.SPAM, 0)
    return HeldCounts(sum(counts.values()), spam)
