"""The admin of mailboxes, of the ledger of what came in, and of the keys that give identity."""

from incoming_email.admin import keys, ledger, mailboxes

__all__ = ["keys", "ledger", "mailboxes"]
