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
    Participant,
    ServiceDesk,
    Strangers,
    ThreadMessage,
    Ticket,
)

__all__ = [
    "RESERVED_KEYS",
    "CannedReply",
    "CustomEmail",
    "Encryption",
    "Fault",
    "LoginMethod",
    "Participant",
    "ServiceDesk",
    "Strangers",
    "ThreadMessage",
    "Ticket",
    "Verification",
]
