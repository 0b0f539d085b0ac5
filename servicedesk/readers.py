"""Which participants get a public comment by mail."""

from issues.mail_addresses import canonical_address
from issues.models import Note, Subscription, User
from issues.notifications import Story
from servicedesk.members import find_owners
from servicedesk.models import DirectCopy, Participant, Ticket


def find_readers(ticket: Ticket, note: Note, story: Story) -> list[Participant]:
    """All but those who have it already: its author, who got the mail that it was made of, and who
    is notified of it as a person with an account, or wants no such mail."""
    people = [
        participant
        # Who joined later must not get what was written before: the row may be sent late.
        for participant in ticket.participants.to_write_to()
        .filter(joined_at__lte=note.created_at)
        .order_by("pk")
        if canonical_address(participant.address) != canonical_address(note.external_author)
    ]
    if not people:
        return []
    copied = _find_copied(note) if note.external_author else frozenset()
    owners = find_owners(person.address for person in people)
    silent = _find_silent(ticket, note, owners) | story.told if owners else frozenset()
    reached = {address for address, user in owners.items() if user.pk in silent}
    return [
        person
        for person in people
        if person.pk not in copied and canonical_address(person.address) not in reached
    ]


def _find_copied(note: Note) -> frozenset[int]:
    copies = DirectCopy.objects.filter(note=note)
    return frozenset(copies.values_list("participant_id", flat=True))


def _find_silent(ticket: Ticket, note: Note, owners: dict[str, User]) -> frozenset[int]:
    """Ids of accounts that wrote it themselves, or have unsubscribed from the issue."""
    choices = Subscription.objects.filter(
        issue=ticket.pk, user__in=list(owners.values()), subscribed=False
    )
    writers = [note.author_id] if note.author_id and not note.external_author else []
    return frozenset([*choices.values_list("user_id", flat=True), *writers])
