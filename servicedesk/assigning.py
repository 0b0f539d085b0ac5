"""Who answers a ticket is assigned to it, where its desk is set so."""

from typing import TypeGuard

from issues import services
from issues.models import Issue, Note, User
from servicedesk.bot import USERNAME
from servicedesk.models import ServiceDesk


def assign_writer(desk: ServiceDesk | None, issue: Issue, note: Note) -> None:
    """Of the team's public comment; nothing where somebody is assigned already, or the writer is no
    reporter."""
    writer = note.author
    if desk is None or not desk.answer_assigns or note.external_author or not _is_person(writer):
        return
    may_triage = writer.has_perm("issues.triage_item", issue)
    if may_triage and not issue.assignees.exists():
        services.assign(item=issue, actor=writer, users=[writer])


def _is_person(user: User | None) -> TypeGuard[User]:
    return user is not None and user.username != USERNAME
