"""The admin of mailboxes, their alerts, the ledger of what came in, keys, and the audit."""

from incoming_email.admin import alerts, audit, erasures, keys, ledger, mailboxes, series

__all__ = ["alerts", "audit", "erasures", "keys", "ledger", "mailboxes", "series"]
