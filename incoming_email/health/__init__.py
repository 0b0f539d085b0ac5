"""Whether everything is set up and running, asked of every mailbox and of the installation."""

from incoming_email.health.diagnosing import diagnose, diagnose_mailbox
from incoming_email.health.examinations import MailboxFinding

__all__ = ["MailboxFinding", "diagnose", "diagnose_mailbox"]
