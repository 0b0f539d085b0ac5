"""Whether everything is set up and running, asked of every mailbox and of the installation."""

from incoming_email.monitoring.health.diagnosing import diagnose, diagnose_mailbox
from incoming_email.monitoring.health.examinations import MailboxFinding
from incoming_email.monitoring.health.keeping import find_signs
from incoming_email.monitoring.health.signs import FORMER_NAMES, SIGNS, Sign

__all__ = [
    "FORMER_NAMES",
    "SIGNS",
    "MailboxFinding",
    "Sign",
    "diagnose",
    "diagnose_mailbox",
    "find_signs",
]
