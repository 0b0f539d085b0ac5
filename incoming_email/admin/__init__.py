"""The admin of mailboxes, alerts, ledger, refusals, keys and blocked senders, and the audit."""

from incoming_email.admin import (
    alerts,
    audit,
    blocks,
    erasures,
    keys,
    ledger,
    mailboxes,
    refusals,
    series,
)

__all__ = [
    "alerts",
    "audit",
    "blocks",
    "erasures",
    "keys",
    "ledger",
    "mailboxes",
    "refusals",
    "series",
]
