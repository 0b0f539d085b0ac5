"""The tables of the service desk."""

from servicedesk.models.canned import CannedReply
from servicedesk.models.desks import (
    RESERVED_KEYS,
    Participant,
    ServiceDesk,
    Strangers,
    ThreadMessage,
    Ticket,
)

__all__ = [
    "RESERVED_KEYS",
    "CannedReply",
    "Participant",
    "ServiceDesk",
    "Strangers",
    "ThreadMessage",
    "Ticket",
]
