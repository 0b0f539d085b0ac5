"""Whether everything is set up and running, asked of every mailbox and of the installation."""

from incoming_email.health.diagnosing import diagnose, diagnose_mailbox
from incoming_email.health.examinations import MailboxFinding
from incoming_email.health.signs import SIGNS, Sign, find_signs

__all__ = ["SIGNS", "MailboxFinding", "Sign", "diagnose", "diagnose_mailbox", "find_signs"]
