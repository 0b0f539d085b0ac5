"""What the desk holds of a person who is erased."""

from collections.abc import Sequence

from issues import services
from issues.models import Note, User
from servicedesk.bot import USERNAME
from servicedesk.models import CustomEmail, Participant, ServiceDesk, Ticket


def erase_person(*, user: User | None, addresses: Sequence[str]) -> int:
    """Take the person out of every ticket; return how many rows were changed.

    Message-IDs stay, so that an answer of somebody else still finds the ticket. So do the
    addresses that a desk itself writes from and is set up with.
    """
    gone = Participant.objects.filter(services.named_by("address", addresses))
    count = gone.count()
    gone.delete()
    requested = Ticket.objects.filter(services.named_by("requester", addresses))
    count += requested.update(requester="")
    return count + _take_names_out(services.names_of(user, addresses))


def _take_names_out(names: Sequence[str]) -> int:
    """In notes of the bot, in what requesters wrote, in messages of servers about others, and in
    lists of web forms."""
    of_bot = Note.objects.filter(author__username=USERNAME, external_author="")
    return (
        services.redact_rows(of_bot, ("body",), names)
        + services.redact_rows(Ticket.objects.all(), ("own_words",), names)
        + services.redact_rows(Participant.objects.all(), ("bounce_reason",), names)
        + services.redact_rows(CustomEmail.objects.all(), ("fault_detail",), names)
        + services.redact_rows(ServiceDesk.objects.all(), ("form_senders",), names)
    )
