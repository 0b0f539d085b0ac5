"""Which addresses are those of members who read a ticket: these hear of it as members, and never
take part as external participants."""

from collections.abc import Iterable

from allauth.account.models import EmailAddress

from issues.mail_addresses import canonical_address, find_spellings
from issues.models import Issue, Membership, Project, Role, User
from issues.permissions import readers_among


def find_owners(addresses: Iterable[str]) -> dict[str, User]:
    """By canonical address, whose verified address it is; in one query."""
    spellings = {each for address in addresses for each in find_spellings(address)}
    rows = EmailAddress.objects.filter(
        email__in=spellings, verified=True, user__is_active=True
    ).select_related("user")
    return {canonical_address(row.email): row.user for row in rows}


def find_members(addresses: Iterable[str], issue: Issue) -> dict[str, User]:
    """By canonical address, the members who read the issue; one query where there is none, else
    five."""
    owners = find_owners(addresses)
    if not owners:
        return {}
    roles = _find_roles(owners.values(), issue.project)
    people = [user for user in owners.values() if user.pk in roles]
    readers = {user.pk for user in readers_among(people, issue)} if people else set()
    return {address: user for address, user in owners.items() if user.pk in readers}


def find_member(address: str, issue: Issue) -> User | None:
    return find_members([address], issue).get(canonical_address(address))


def find_member_of_project(address: str, project: Project, *, confidential: bool) -> User | None:
    """The member who would read a new issue that is confidential, or not."""
    owner = find_owners([address]).get(canonical_address(address))
    role = _find_roles([owner], project).get(owner.pk) if owner is not None else None
    return owner if role is not None and (role >= Role.REPORTER or not confidential) else None


def _find_roles(people: Iterable[User], project: Project) -> dict[int, int]:
    rows = Membership.objects.filter(project=project, user__in=list(people))
    return dict(rows.values_list("user_id", "role"))
