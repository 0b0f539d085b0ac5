"""Counters of messages that wait for a person: of all in the admin, of a project on its page."""

from typing import TYPE_CHECKING, Any

from django import template

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from issues.models import Project, User

if TYPE_CHECKING:
    from django.http import HttpRequest

register = template.Library()


@register.simple_tag
def count_held_mail() -> int:
    return InboundEmail.objects.filter(status=Status.HELD).count()


@register.simple_tag(takes_context=True)
def count_held_mail_of(context: dict[str, Any], project: Project) -> int:
    """For maintainers and owners of the project; 0 for everybody else."""
    request: HttpRequest = context["request"]
    user = request.user
    if not (isinstance(user, User) and user.has_perm("issues.administer_project", project)):
        return 0
    return InboundEmail.objects.filter(status=Status.HELD, project=project).count()
