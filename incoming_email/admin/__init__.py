"""The admin of mailboxes and alerts, of the ledger, keys and blocked senders, and the audit."""

from incoming_email.admin import alerts, audit, blocks, erasures, keys, ledger, mailboxes, series

__all__ = ["alerts", "audit", "blocks", "erasures", "keys", "ledger", "mailboxes", "series"]
