"""What tickets hold of a person who is erased: named in INCOMING_EMAIL_ERASERS."""

from collections.abc import Sequence

from issues import services
from servicedesk.models import Participant, Ticket


def erase_addresses(*, addresses: Sequence[str]) -> int:
    """Take the person out of every ticket; return how many rows were changed.

    Message-IDs stay, so that an answer of somebody else still finds the ticket.
    """
    gone = Participant.objects.filter(services.named_by("address", addresses))
    count = gone.count()
    gone.delete()
    requested = Ticket.objects.filter(services.named_by("requester", addresses))
    return count + requested.update(requester="")
