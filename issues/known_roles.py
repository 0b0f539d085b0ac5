"""The roles of people in projects, looked up at once for those who are about to act."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from issues.models import Membership, Project, User

_known: ContextVar[Mapping[tuple[int, int], int] | None] = ContextVar("known_roles", default=None)
"""By user and project; 0 for those who are not members."""


@contextmanager
def looked_up(people: Sequence[tuple[User | None, Project]]) -> Iterator[None]:
    """One query for all of them; inside, `find_role` answers from it.

    At most for the duration of a transaction: changes in between are not seen.
    """
    asked = {(user.pk, project.pk) for user, project in people if user is not None}
    rows = Membership.objects.filter(
        user__in={user for user, _ in asked}, project__in={project for _, project in asked}
    ).values_list("user_id", "project_id", "role")
    members = {(user, project): role for user, project, role in rows}
    token = _known.set({pair: members.get(pair, 0) for pair in asked})
    try:
        yield
    finally:
        _known.reset(token)


def find_role(user: User, project: Project) -> int:
    """A Role, or 0 for people who are not members."""
    known = _known.get() or {}
    if (found := known.get((user.pk, project.pk))) is not None:
        return found
    roles = Membership.objects.filter(project_id=project.pk, user_id=user.pk)
    return next(iter(roles.values_list("role", flat=True)), 0)
