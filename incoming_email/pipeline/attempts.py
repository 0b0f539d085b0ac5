"""One attempt at a message: its row, its content, and what is known for acting on it."""

from dataclasses import dataclass
from datetime import datetime

from incoming_email.handlers.base import Context
from incoming_email.limits.blocking import blocked_in
from incoming_email.models import InboundEmail, SenderPolicy
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline.resolving import Known
from incoming_email.sender_auth import SignatureCheck, is_authenticated


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed row and its message. Nothing of the pipeline changes the row before its end."""

    row: InboundEmail
    email: ParsedEmail
    context: Context

    @property
    def sender(self) -> str:
        """The digest that the ledger stores and that limits are counted by."""
        return self.email.sender[:254]


def make_attempt(
    row: InboundEmail,
    email: ParsedEmail,
    *,
    known: Known,
    signatures: SignatureCheck,
    now: datetime,
) -> Attempt:
    mailbox = row.mailbox
    results, trusted = email.authentication_results, mailbox.trusted_authserv_id
    context = Context(
        row.pk,
        now,
        mailbox.purpose,
        known.reply_keys,
        known.told,
        known.internal,
        signatures,
        forwarded=known.forwarded,
        blocked_in=blocked_in(email, known.blocks),
        waived=frozenset(row.waived_rules),
        received_at=row.received_at,
        asks_proof=mailbox.reply_sender_policy == SenderPolicy.REQUIRE,
        proven=is_authenticated(email.sender, results, trusted=trusted, signatures=signatures),
    )
    return Attempt(row, email, context)
