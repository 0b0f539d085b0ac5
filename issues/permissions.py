"""Who may do what: the one module that decides, asked as user.has_perm(action, object), or by a
service as `allows`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from issues.models import (
    Issue,
    Membership,
    MergeRequest,
    Note,
    Project,
    Role,
    User,
    Visibility,
)

Person = User | AnonymousUser
Item = Issue | MergeRequest


@dataclass(frozen=True, slots=True)
class Access:
    """A person's access to a project: found in one query, then only compared."""

    visibility: str
    role: int = 0
    """A Role, or 0 for people who are not members."""
    account: bool = False
    """Logged in and active."""
    involved: bool = False
    """Author or assignee of the item in question."""

    @property
    def reads_project(self) -> bool:
        if self.role or self.visibility == Visibility.PUBLIC:
            return True
        return self.account and self.visibility == Visibility.INTERNAL

    def reads(self, item: Item) -> bool:
        """Reporters and above read all of a project."""
        if self.role >= Role.REPORTER:
            return True
        if not self.reads_project or is_spam(item):
            return False
        if isinstance(item, Issue):
            return not item.confidential or self.involved
        return self.visibility != Visibility.PRIVATE


def is_spam(item: Item) -> bool:
    """Whether it was marked as spam: reporters may still read it, and nobody may change it
    (`Issue.forbids`)."""
    return isinstance(item, Issue) and item.spam_at is not None


NOBODY = Access(visibility=Visibility.PRIVATE)


_known_roles: ContextVar[Mapping[tuple[int, int], int] | None] = ContextVar(
    "known_roles", default=None
)
"""By user and project; 0 for those who are not members."""


@contextmanager
def roles_looked_up(people: Sequence[tuple[User | None, Project]]) -> Iterator[None]:
    """One query for all of them; inside, `find_access` asks for no role of theirs.

    At most for the duration of a transaction: changes in between are not seen.
    """
    asked = {(user.pk, project.pk) for user, project in people if user is not None}
    rows = Membership.objects.filter(
        user__in={user for user, _ in asked}, project__in={project for _, project in asked}
    ).values_list("user_id", "project_id", "role")
    members = {(user, project): role for user, project, role in rows}
    token = _known_roles.set({pair: members.get(pair, 0) for pair in asked})
    try:
        yield
    finally:
        _known_roles.reset(token)


def find_access(user: Person, project: Project, item: Item | None = None) -> Access:
    """One query at most: the role and, for a confidential issue, whether they are assigned."""
    if not isinstance(user, User):
        return Access(visibility=project.visibility)
    if not user.is_active:
        return NOBODY
    author_id = None if item is None else item.author_id
    involved = author_id is not None and author_id == user.pk
    role = (_known_roles.get() or {}).get((user.pk, project.pk))
    if user.is_superuser:
        role, involved = Role.OWNER, True
    elif isinstance(item, Issue) and item.confidential:
        # One statement for both: a person who is assigned need not be a member.
        assigned = Issue.assignees.through.objects.filter(issue_id=item.pk, user_id=user.pk)
        roles = Membership.objects.filter(project_id=project.pk, user_id=user.pk)
        found = Project.objects.filter(pk=project.pk).annotate(
            role=Subquery(roles.values("role")[:1]), assigned=Exists(assigned)
        )
        role, is_assigned = found.values_list("role", "assigned").first() or (0, False)
        involved = involved or is_assigned
    elif role is None:
        roles = Membership.objects.filter(project_id=project.pk, user_id=user.pk)
        role = next(iter(roles.values_list("role", flat=True)), 0)
    return Access(visibility=project.visibility, role=role or 0, account=True, involved=involved)


def read_project(user: Person, project: Project) -> bool:
    return find_access(user, project).reads_project


def open_issue(user: Person, project: Project) -> bool:
    if not user.is_authenticated:
        return False
    return find_access(user, project).reads_project


def open_merge_request(user: Person, project: Project) -> bool:
    return has_role(user, project, Role.DEVELOPER)


def read_internal(user: Person, project: Project) -> bool:
    return has_role(user, project, Role.REPORTER)


def administer_project(user: Person, project: Project) -> bool:
    return has_role(user, project, Role.MAINTAINER)


def has_role(user: Person, project: Project, role: Role) -> bool:
    if not user.is_authenticated:
        return False
    return find_access(user, project).role >= role


def read_item(user: Person, item: Item) -> bool:
    return find_access(user, item.project, item).reads(item)


def comment_on(user: Person, item: Item) -> bool:
    """A locked discussion takes the word of members only."""
    if not user.is_authenticated:
        return False
    access = find_access(user, item.project, item)
    return access.reads(item) and (bool(access.role) or not item.locked)


def edit_item(user: Person, item: Item) -> bool:
    """The author and reporters; of a merge request the author and developers."""
    if not user.is_authenticated:
        return False
    access = find_access(user, item.project, item)
    needed = Role.REPORTER if isinstance(item, Issue) else Role.DEVELOPER
    may_edit = access.role >= needed or item.author_id == user.pk
    return access.reads(item) and may_edit


def triage_item(user: Person, item: Item) -> bool:
    if not user.is_authenticated:
        return False
    return find_access(user, item.project, item).role >= Role.REPORTER


def may_push(user: Person, project: Project, branch: str) -> bool:
    """Developers; to a protected branch maintainers only. A branch is no row to ask has_perm of."""
    is_protected = project.is_protected(branch)
    return has_role(user, project, Role.MAINTAINER if is_protected else Role.DEVELOPER)


def merge_item(user: Person, item: Item) -> bool:
    """Who may push to the target branch, and read what is merged."""
    if not isinstance(item, MergeRequest) or not user.is_authenticated:
        return False
    is_protected = item.project.is_protected(item.target_branch)
    needed = Role.MAINTAINER if is_protected else Role.DEVELOPER
    access = find_access(user, item.project, item)
    return access.reads(item) and access.role >= needed


PREDICATES: dict[str, Callable[..., bool]] = {
    "issues.read_project": read_project,
    "issues.open_issue": open_issue,
    "issues.open_merge_request": open_merge_request,
    "issues.read_item": read_item,
    "issues.comment_on": comment_on,
    "issues.edit_item": edit_item,
    "issues.triage_item": triage_item,
    "issues.merge_item": merge_item,
    "issues.read_internal": read_internal,
    "issues.administer_project": administer_project,
}
WHO_MAY = {
    "issues.read_item": _("Everybody who may read it"),
    "issues.comment_on": _("Everybody who may comment"),
    "issues.edit_item": _("Its author; reporters (of a merge request, developers) and above"),
    "issues.triage_item": _("Reporters and above"),
}
"""How a help page describes an action's rule."""


class UnknownPermission(LookupError):
    """A name that is not in PREDICATES: a typing error, which must not read as "no"."""


def allows(user: Person, action: str, target: Model) -> bool:
    """Whether the person may do this to the row. What the row itself forbids, nobody may.

    Raises UnknownPermission where PREDICATES has no such permission.
    """
    if action not in PREDICATES:
        raise UnknownPermission(action)
    # An anonymous user is not active either, and may read what is public.
    if user.is_authenticated and not user.is_active:
        return False
    if isinstance(target, Issue) and target.forbids(action):
        return False
    return PREDICATES[action](user, target)


class ObjectPermissionBackend:
    """Answers user.has_perm(permission, object) out of PREDICATES.

    A question without an object is about a whole table, and left to Django's ModelBackend, which
    in turn says no to every question about an object.
    """

    # No BaseBackend: that has get_user, by which sessions could be bound to this class.
    def authenticate(self, request: HttpRequest | None) -> None:
        """Logs nobody in: Django passes over a backend that takes no credentials."""

    def has_perm(self, user_obj: Person, perm: str, obj: Model | None = None) -> bool:
        """Whether the person has this permission on `obj`; False without one, which is left to
        ModelBackend. Raises UnknownPermission."""
        return obj is not None and allows(user_obj, perm, obj)

    async def ahas_perm(self, user_obj: Person, perm: str, obj: Model | None = None) -> bool:
        return await sync_to_async(self.has_perm)(user_obj, perm, obj)


def visible_projects(user: Person) -> QuerySet[Project]:
    if not user.is_authenticated:
        return Project.objects.filter(visibility=Visibility.PUBLIC)
    if not user.is_active:
        return Project.objects.none()
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(
        Q(visibility__in=(Visibility.PUBLIC, Visibility.INTERNAL))
        | Exists(Membership.objects.filter(project=OuterRef("pk"), user=user.pk))
    )


def visible_issues(user: Person, project: Project) -> QuerySet[Issue]:
    """Without spam, which has a list of its own."""
    readable = Issue.objects.filter(project=project, project__in=visible_projects(user))
    issues = readable.filter(spam_at=None)
    if isinstance(user, User) and user.is_superuser:
        return issues
    if not user.is_authenticated:
        return issues.filter(confidential=False)
    return issues.filter(
        Q(confidential=False)
        | Q(author=user.pk)
        | Exists(Issue.assignees.through.objects.filter(issue_id=OuterRef("pk"), user_id=user.pk))
        | _reports_in(user, "project")
    )


def visible_merge_requests(user: Person, project: Project) -> QuerySet[MergeRequest]:
    found = MergeRequest.objects.filter(project=project, project__in=visible_projects(user))
    if isinstance(user, User) and user.is_superuser:
        return found
    return found.filter(~Q(project__visibility=Visibility.PRIVATE) | _reports_in(user, "project"))


def visible_notes(user: Person, item: Item) -> QuerySet[Note]:
    """One query now (the access), one when the notes are read."""
    access = find_access(user, item.project, item)
    if not access.reads(item):
        return Note.objects.none()
    notes = item.notes.order_by("created_at", "pk")  # those of a merged issue are younger rows
    return notes if access.role >= Role.REPORTER else notes.filter(internal=False)


def _reports_in(user: Person, project_field: str) -> Exists:
    return Exists(
        Membership.objects.filter(
            project=OuterRef(project_field), user=user.pk, role__gte=Role.REPORTER
        )
    )


def readers_among(users: Sequence[User], item: Item, *, internal: bool = False) -> list[User]:
    """Those who may read the item (and, if `internal`, internal notes): at most three queries."""
    return [user for user, _role in find_readers(users, item, internal=internal)]


def find_readers(
    users: Sequence[User], item: Item, *, internal: bool = False
) -> list[tuple[User, int]]:
    """The same, each with their role; 0 for those who are not members."""
    visibility = Project.objects.values_list("visibility", flat=True).get(pk=item.project_id)
    roles = dict(
        Membership.objects.filter(project=item.project_id, user__in=users).values_list(
            "user_id", "role"
        )
    )
    assigned = set(item.assignees.values_list("pk", flat=True))
    readers = []
    for user in users:
        if not user.is_active:
            continue
        role = Role.OWNER if user.is_superuser else roles.get(user.pk, 0)
        involved = user.pk in assigned or user.pk == item.author_id
        access = Access(visibility=visibility, role=role, account=True, involved=involved)
        if access.reads(item) and (not internal or role >= Role.REPORTER):
            readers.append((user, role))
    return readers
