"""External participants of a ticket: joining and leaving, within limits."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Lower

from incoming_email.keys.own_addresses import find_own
from issues.bearer_secrets import cut_secrets
from issues.mail_addresses import canonical_address, find_spellings
from issues.models import Issue, MergeRequest, Note, OutgoingEmail, User
from servicedesk.members import find_members
from servicedesk.models import DirectCopy, Participant, ThreadMessage, Ticket

NO_BOUNCES = {"bounces": 0, "bounced_at": None, "bounce_reason": "", "undeliverable_at": None}
"""Columns of a participant whom mail reaches, as far as we know."""

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def add_participants(
    ticket: Ticket, addresses: Iterable[str], *, added_by: User | None, now: datetime
) -> list[Participant]:
    """The new ones, at most DESK_MAX_PARTICIPANTS_A_CALL and DESK_MAX_PARTICIPANTS in all.

    Own addresses, nonsense, members who read the ticket and those who take part already are passed
    over. A constant number of queries.
    """
    wanted = _choose(addresses, ticket)
    present = {canonical_address(p.address) for p in ticket.participants.all()}
    room = max(0, settings.DESK_MAX_PARTICIPANTS - len(present))
    new = [address for address in wanted if canonical_address(address) not in present][:room]
    if not new:
        return []
    Participant.objects.bulk_create(
        [Participant(ticket=ticket, address=a, added_by=added_by, joined_at=now) for a in new],
        ignore_conflicts=True,  # somebody else may add the same at the same time
    )
    return list(Participant.objects.filter(ticket=ticket, address__in=new).order_by("pk"))


def find_left_out(ticket: Ticket, addresses: Iterable[str], *, joined: int) -> list[str]:
    """Those for whom the limits left no room, after `joined` of them were added. One query where
    there was room for all."""
    present = {canonical_address(p.address) for p in ticket.participants.all()}
    if len(present) < settings.DESK_MAX_PARTICIPANTS and joined < (
        settings.DESK_MAX_PARTICIPANTS_A_CALL
    ):
        return []
    possible = _find_possible(addresses, ticket)
    return [address for address in possible if canonical_address(address) not in present]


def _choose(addresses: Iterable[str], ticket: Ticket) -> list[str]:
    return _find_possible(addresses, ticket)[: settings.DESK_MAX_PARTICIPANTS_A_CALL]


def _find_possible(addresses: Iterable[str], ticket: Ticket) -> list[str]:
    distinct = {canonical_address(address): address for address in reversed(list(addresses))}
    valid = [address for address in reversed(distinct.values()) if _is_valid(address)]
    own = find_own(valid) if valid else set()
    others = [address for address in valid if address not in own]
    members = find_members(others, ticket.issue) if others else {}
    return [address for address in others if canonical_address(address) not in members]


def record_direct_copies(ticket: Ticket, note: Note, addresses: Iterable[str]) -> None:
    """These got the mail that the note was made of; those of them who take part get no other."""
    wanted = set(map(canonical_address, addresses))
    people = [p for p in ticket.participants.all() if canonical_address(p.address) in wanted]
    DirectCopy.objects.bulk_create(
        [DirectCopy(note=note, participant=person) for person in people], ignore_conflicts=True
    )


def can_take_part(address: str) -> bool:
    """Whether mail can be written to it that does not come back to us."""
    return _is_valid(address) and not find_own([address])


def _is_valid(address: str) -> bool:
    """As Django has it, and with letters beyond ASCII before the `@` (RFC 6531 section 3.3)."""
    local, _at, domain = address.rpartition("@")
    try:
        validate_email(f"{_BEYOND_ASCII.sub('x', local)}@{domain}")
    except ValidationError:
        return False
    return len(address) <= Participant._meta.get_field("address").max_length  # type: ignore[operator]


def remove_participants(ticket: Ticket, addresses: Sequence[str]) -> list[str]:
    """Returns the addresses that were removed. They can still answer the mails that they have."""
    wanted = {canonical_address(address) for address in addresses}
    gone = [p for p in ticket.participants.all() if canonical_address(p.address) in wanted]
    _drop_held(gone)
    Participant.objects.filter(pk__in=[p.pk for p in gone]).delete()
    return [p.address for p in gone]


def is_mailed_outside(item: Issue | MergeRequest) -> bool:
    """For MAILED_OUTSIDE: public notes of a ticket go to its participants."""
    return isinstance(item, Issue) and Ticket.objects.filter(pk=item.pk).exists()


def reads_opening(ticket: Ticket, participant: Participant) -> bool:
    """Whether title and description are for the person: not where nothing proves who wrote them.
    Anybody could have us tell anything to anybody; a member who brought the person in has read
    them."""
    return ticket.proven or participant.added_by_id is not None


def find_participant(ticket: Ticket, address: str) -> Participant | None:
    wanted = canonical_address(address)
    people = ticket.participants.all() if address else ()
    return next((p for p in people if canonical_address(p.address) == wanted), None)


@transaction.atomic
def unsubscribe(participant: Participant, *, now: datetime) -> None:
    """No more mail to them; idempotent."""
    _drop_held([participant])
    Participant.objects.filter(pk=participant.pk, unsubscribed_at=None).update(unsubscribed_at=now)


def take_part_again(participant: Participant, *, written_at: datetime) -> bool:
    """Mail goes to them again where they had left before they wrote; whether it had not. Only for
    mail that nobody else can have written: a forged one must not undo what they asked for."""
    left = Participant.objects.filter(pk=participant.pk, unsubscribed_at__lt=written_at)
    return bool(left.update(unsubscribed_at=None))


def _drop_held(people: Sequence[Participant]) -> None:
    """Mail that is held back could come a day after they left."""
    theirs = ThreadMessage.objects.filter(participant__in=people, from_outside=False)
    OutgoingEmail.objects.held().filter(message_id__in=theirs.values("message_id")).delete()


def record_bounce(participant: Participant, reason: str, *, now: datetime) -> None:
    """A mail did not reach them for good; after DESK_MAX_BOUNCES of these in DESK_BOUNCE_DAYS
    nothing is sent any more. 0 is no limit."""
    locked = Participant.objects.select_for_update().get(pk=participant.pk)
    since = now - timedelta(days=settings.DESK_BOUNCE_DAYS)
    if locked.bounced_at is None or locked.bounced_at < since:
        locked.bounces, locked.bounced_at = 0, now
    locked.bounces += 1
    (words,) = cut_secrets(reason)  # servers quote the envelope sender, which holds their key
    locked.bounce_reason = words[:500]
    is_over = 0 < settings.DESK_MAX_BOUNCES <= locked.bounces
    if is_over and locked.undeliverable_at is None:
        locked.undeliverable_at = now
    locked.save(update_fields=[*NO_BOUNCES])


def forget_bounces(participant: Participant) -> bool:
    """Mail is sent to them again, as if none had failed; False where none has."""
    changed = Participant.objects.filter(pk=participant.pk).exclude(bounces=0)
    return bool(changed.update(**NO_BOUNCES))


def forget_bounces_of(address: str) -> None:
    """Whoever writes is alive: mail goes to them again on each of their tickets. One query, which
    has an index of those whom mail did not reach."""
    found = Participant.objects.exclude(bounces=0).annotate(folded=Lower("address"))
    found.filter(folded__in=find_spellings(address)).update(**NO_BOUNCES)
