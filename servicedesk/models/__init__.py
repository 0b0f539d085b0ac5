"""The tables of the service desk."""

from servicedesk.models.canned import CannedReply
from servicedesk.models.custom_emails import (
    CustomEmail,
    Encryption,
    Fault,
    LoginMethod,
    Verification,
)
from servicedesk.models.desks import (
    RESERVED_KEYS,
    TEXTS,
    DirectCopy,
    NonParticipantPolicy,
    Participant,
    ServiceDesk,
    ThreadMessage,
    Ticket,
    TicketQuerySet,
    UnprovenNote,
)

__all__ = [
    "RESERVED_KEYS",
    "TEXTS",
    "CannedReply",
    "CustomEmail",
    "DirectCopy",
    "Encryption",
    "Fault",
    "LoginMethod",
    "NonParticipantPolicy",
    "Participant",
    "ServiceDesk",
    "ThreadMessage",
    "Ticket",
    "TicketQuerySet",
    "UnprovenNote",
    "Verification",
]
