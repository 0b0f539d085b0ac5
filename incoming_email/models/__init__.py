"""The rows of incoming email: mailboxes, the ledger, its sums, keys, alerts, signs of life."""

from incoming_email.models.alerts import AlertEvent, DiskShortage, WebhookAlert
from incoming_email.models.blocks import BlockedSender
from incoming_email.models.contents import MessageContent
from incoming_email.models.erasures import Erasure
from incoming_email.models.heartbeats import Heartbeat
from incoming_email.models.hours import ChangedHour, HourCount
from incoming_email.models.keys import (
    KEY_ALPHABET,
    KEY_LENGTH,
    ReplyKey,
    RetiredReplyKey,
    SenderToken,
    new_key,
)
from incoming_email.models.ledger import (
    HAS_OWN_RAW,
    HEAD_START,
    NOT_READ,
    SWEEP_AFTER,
    InboundEmail,
    InboundEmailQuerySet,
    pause_after,
    reason_choices,
)
from incoming_email.models.ledger_columns import LEDGER_COLUMNS
from incoming_email.models.mailboxes import (
    LAST_IDLE_SECONDS,
    InboxMethod,
    LoginMethod,
    Mailbox,
    MailboxQuerySet,
    Purpose,
)
from incoming_email.models.policies import SenderPolicy, SpamPolicy
from incoming_email.models.probes import BAD_STATES, OPEN_STATES, Leg, Probe, ProbeState
from incoming_email.models.refusals import RefusedRecipient
from incoming_email.models.retention import Kept
from incoming_email.models.series import SeriesPart

__all__ = [
    "BAD_STATES",
    "HAS_OWN_RAW",
    "HEAD_START",
    "KEY_ALPHABET",
    "KEY_LENGTH",
    "LAST_IDLE_SECONDS",
    "LEDGER_COLUMNS",
    "NOT_READ",
    "OPEN_STATES",
    "SWEEP_AFTER",
    "AlertEvent",
    "BlockedSender",
    "ChangedHour",
    "DiskShortage",
    "Erasure",
    "Heartbeat",
    "HourCount",
    "InboundEmail",
    "InboundEmailQuerySet",
    "InboxMethod",
    "Kept",
    "Leg",
    "LoginMethod",
    "Mailbox",
    "MailboxQuerySet",
    "MessageContent",
    "Probe",
    "ProbeState",
    "Purpose",
    "RefusedRecipient",
    "ReplyKey",
    "RetiredReplyKey",
    "SenderPolicy",
    "SenderToken",
    "SeriesPart",
    "SpamPolicy",
    "WebhookAlert",
    "new_key",
    "pause_after",
    "reason_choices",
]
