"""Members add external participants to a ticket and remove them, and turn issues into tickets."""

from collections.abc import Collection, Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import services
from issues.mail_addresses import canonical_address, find_spellings
from issues.models import Issue, User
from issues.quick_actions import Refusal
from issues.services.recording import record_change
from issues.services.refusals import require
from servicedesk import mails
from servicedesk.members import find_members
from servicedesk.models import Participant, ServiceDesk, Ticket
from servicedesk.participants import (
    add_participants,
    find_participant,
    forget_bounces,
    remove_participants,
)
from servicedesk.tickets import is_confidential

PERMISSION = "issues.triage_item"


@transaction.atomic
def add_people(
    *,
    issue: Issue,
    actor: User,
    addresses: Sequence[str],
    now: datetime,
    message_id: str | None = None,
) -> None:
    """Adds all of those who do not participate yet, or raises Invalid with the reason. Each gets a
    welcome mail. `message_id`: of the mail that brought them in, which they have, and nothing that
    was written before."""
    require(actor, PERMISSION, issue)
    ticket = _lock_ticket(issue)
    present = {canonical_address(p.address) for p in ticket.participants.all()}
    new = {canonical_address(a): a for a in addresses if canonical_address(a) not in present}
    _require_no_members(new.values(), issue)
    _require_room(len(new), len(present))
    joined = add_participants(ticket, new.values(), added_by=actor, now=now)
    _require_all(new, joined)
    record_change(
        issue, actor, gettext_lazy("added %(addresses)s to the ticket"), addresses=_list(joined)
    )
    desk = ServiceDesk.objects.select_related("project").filter(project=issue.project_id).first()
    mails.write_to_new_participants(
        desk,
        ticket,
        joined,
        earlier=[message_id] if message_id else [],
        includes_words=message_id is None,
        now=now,
    )


def let_copied_in(
    *,
    issue: Issue,
    actor: User,
    addresses: Sequence[str],
    is_public: bool,
    message_id: str,
    now: datetime,
) -> list[Refusal]:
    """For COPIED_PEOPLE: whom a member copies into a reply takes part from then on, as with
    /add_email, or the member is told why not. Their mail itself they have, and nothing of what was
    written before. Members hear of the ticket in their own way, and are passed over."""
    ticket = Ticket.objects.select_related("issue").filter(pk=issue.pk).first()
    people = _find_new(ticket, addresses, actor) if ticket is not None else []
    if not people:
        return []
    if not is_public:
        return [
            Refusal(
                _say_copied(people),
                _("They were not added, since the mail made no public comment."),
            )
        ]
    try:
        add_people(issue=issue, actor=actor, addresses=people, message_id=message_id, now=now)
    except (services.Invalid, services.NotAllowed) as refusal:
        return [Refusal(_say_copied(people), str(refusal))]
    return []


def _say_copied(addresses: Sequence[str]) -> str:
    return f"Cc: {', '.join(addresses)}"


def _find_new(ticket: Ticket, addresses: Sequence[str], actor: User) -> list[str]:
    """Without participants, members, and whoever acts."""
    spellings = {each for address in addresses for each in find_spellings(address)}
    is_inside = Q(user__memberships__project=ticket.issue.project_id) | Q(user=actor)
    theirs = EmailAddress.objects.filter(is_inside, email__in=spellings, verified=True)
    known = {
        *theirs.values_list("email", flat=True),
        *ticket.participants.values_list("address", flat=True),
    }
    passed_over = set(map(canonical_address, known))
    return [each for each in addresses if canonical_address(each) not in passed_over]


def _require_room(new: int, present: int) -> None:
    if not new:
        raise services.Invalid([_("They take part already.")])
    if new > settings.DESK_MAX_PARTICIPANTS_A_CALL:
        message = _("At most %(limit)s people can be added at once.")
        raise services.Invalid([message % {"limit": settings.DESK_MAX_PARTICIPANTS_A_CALL}])
    if present + new > settings.DESK_MAX_PARTICIPANTS:
        message = _(
            "A ticket takes at most %(limit)s external participants. Remove somebody first."
        )
        raise services.Invalid([message % {"limit": settings.DESK_MAX_PARTICIPANTS}])


def _require_no_members(addresses: Collection[str], issue: Issue) -> None:
    members = find_members(addresses, issue)
    if named := [address for address in addresses if canonical_address(address) in members]:
        message = _(
            "%(addresses)s can't take part as a customer: a member of the project has this address,"
            " and reads the ticket anyway. Mention or assign the member instead."
        )
        raise services.Invalid([message % {"addresses": ", ".join(named)}])


def _require_all(wanted: dict[str, str], joined: Sequence[Participant]) -> None:
    known = {canonical_address(p.address) for p in joined}
    missing = [address for canonical, address in wanted.items() if canonical not in known]
    if missing:
        message = _("%(addresses)s can't take part: no valid address, or one of ours.")
        raise services.Invalid([message % {"addresses": ", ".join(missing)}])


@transaction.atomic
def remove_people(*, issue: Issue, actor: User, addresses: Sequence[str]) -> None:
    """All of them or none. They get no more mail, and can still answer what they have."""
    require(actor, PERMISSION, issue)
    ticket = _lock_ticket(issue)
    gone = remove_participants(ticket, addresses)
    missing = {canonical_address(a) for a in addresses} - {canonical_address(a) for a in gone}
    if missing:
        message = _("%(addresses)s: takes no part in this ticket.")
        raise services.Invalid([message % {"addresses": ", ".join(sorted(missing))}])
    record_change(
        issue,
        actor,
        gettext_lazy("removed %(addresses)s from the ticket"),
        addresses=", ".join(gone),
    )


@transaction.atomic
def try_again(*, issue: Issue, actor: User, address: str) -> None:
    """Mail is sent again to a participant whom it did not reach; what was not sent meanwhile is
    not. Raises Invalid where it can be sent already."""
    require(actor, PERMISSION, issue)
    participant = find_participant(_lock_ticket(issue), address)
    if participant is None or not forget_bounces(participant):
        raise services.Invalid([_("No mail to %(address)s has failed.") % {"address": address}])
    record_change(
        issue,
        actor,
        gettext_lazy("has mail sent to %(addresses)s again"),
        addresses=participant.address,
    )


@transaction.atomic
def convert_to_ticket(*, issue: Issue, actor: User, requester: str, now: datetime) -> None:
    """From now on public comments are sent to the requester; earlier ones are not."""
    require(actor, PERMISSION, issue)
    desk = (
        ServiceDesk.objects.select_related("project")
        .filter(project=issue.project_id, enabled=True)
        .first()
    )
    if desk is None:
        raise services.Invalid(
            [_("This project has no service desk. A maintainer can switch it on.")]
        )
    ticket, is_new = Ticket.objects.get_or_create(
        issue=issue, defaults={"requester": requester, "own_words": ""}
    )
    if not is_new:
        raise services.Invalid([_("This is a ticket already.")])
    _require_no_members([requester], issue)
    joined = add_participants(ticket, [requester], added_by=actor, now=now)
    _require_all({canonical_address(requester): requester}, joined)
    if is_confidential(desk):
        services.set_confidential(item=issue, actor=actor, confidential=True)
    record_change(
        issue, actor, gettext_lazy("made this a ticket of %(addresses)s"), addresses=_list(joined)
    )


def _lock_ticket(issue: Issue) -> Ticket:
    """Two members at once: the limits hold for both together."""
    ticket = Ticket.objects.select_for_update().filter(issue=issue.pk).first()
    if ticket is None:
        raise services.Invalid(
            [_("This is no ticket. Make it one first: /convert_to_ticket ADDRESS.")]
        )
    ticket.issue = issue
    return ticket


def _list(people: Sequence[Participant]) -> str:
    return ", ".join(person.address for person in people)
