"""The admin of mailboxes, their alerts, the ledger of what came in, and keys of identity."""

from incoming_email.admin import alerts, erasures, keys, ledger, mailboxes, series

__all__ = ["alerts", "erasures", "keys", "ledger", "mailboxes", "series"]
