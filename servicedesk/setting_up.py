"""What maintainers change about a desk: on and off, its settings, its canned replies."""

from django.db import transaction

from issues.models import Project, User
from issues.services.refusals import require, require_valid
from servicedesk.models import CannedReply, ServiceDesk

PERMISSION = "issues.administer_project"


def find_desk(project: Project) -> ServiceDesk:
    """The project's, or one that is off and not yet stored."""
    desk = ServiceDesk.objects.filter(project=project).first() or ServiceDesk()
    desk.project = project
    return desk


@transaction.atomic
def switch_desk(*, project: Project, actor: User, enabled: bool) -> ServiceDesk:
    """What was set before comes back with it."""
    require(actor, PERMISSION, project)
    desk, _is_new = ServiceDesk.objects.update_or_create(
        project=project, defaults={"enabled": enabled}
    )
    return desk


@transaction.atomic
def save_desk(*, desk: ServiceDesk, actor: User) -> None:
    require(actor, PERMISSION, desk.project)
    require_valid(desk)
    desk.save()


@transaction.atomic
def save_canned_reply(*, reply: CannedReply, actor: User) -> None:
    require(actor, PERMISSION, reply.project)
    require_valid(reply)
    reply.save()


def delete_canned_reply(*, reply: CannedReply, actor: User) -> None:
    require(actor, PERMISSION, reply.project)
    reply.delete()
