"""One attempt at a message: its row, what is known of it, and what the row says of its end."""

from dataclasses import dataclass, field
from datetime import datetime

from incoming_email.handlers.base import Context
from incoming_email.limits.blocking import blocked_in
from incoming_email.models import InboundEmail, SenderPolicy
from incoming_email.outcomes import Outcome, Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline import notices
from incoming_email.pipeline.resolving import Known, Resolved, Step
from incoming_email.secrets import credentials
from incoming_email.sender_auth import SignatureCheck, is_authenticated
from issues.models import Issue, MergeRequest, Note


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed row, its message, and what is known for acting on it."""

    row: InboundEmail
    email: ParsedEmail
    context: Context
    counted_at: datetime | None
    """When an earlier attempt counted it for the limits."""

    trace: list[Step] = field(default_factory=list)


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
        signatures,
        forwarded=known.forwarded,
        blocked_in=blocked_in(email, known.blocks),
        waived=frozenset(row.waived_rules),
        received_at=row.received_at,
        asks_proof=mailbox.reply_sender_policy == SenderPolicy.REQUIRE,
        proven=is_authenticated(email.sender, results, trusted=trusted, signatures=signatures),
    )
    return Attempt(row, email, context, row.counted_at)


def describe(attempt: Attempt) -> None:
    row, email = attempt.row, attempt.email
    row.message_id, row.sender = email.message_id[:255], email.sender[:254]
    row.subject, row.defects = email.subject[:255], list(email.defects)
    row.trace = attempt.trace
    row.duplicate_of, row.project, row.held_rule = None, None, ""
    row.counted_at = attempt.counted_at


def write_outcome(row: InboundEmail, resolved: Resolved, outcome: Outcome) -> None:
    row.handler, row.outcome = resolved.handler.name, outcome.text
    row.key_digest = credentials.digest(resolved.key)
    made = outcome.made
    row.note = made if isinstance(made, Note) else None
    item = made.item if isinstance(made, Note) else (made or resolved.target.item)
    row.issue = item if isinstance(item, Issue) else None
    row.merge_request = item if isinstance(item, MergeRequest) else None


def tell_unheeded(attempt: Attempt, resolved: Resolved, outcome: Outcome) -> None:
    """Commands in the text that were not carried out: a mail, written with the effect."""
    author, unheeded = resolved.target.author, outcome.unheeded
    if author is not None and unheeded:
        now = attempt.context.now
        sent = notices.write_unheeded(attempt.row, attempt.email, author, unheeded, now=now)
        attempt.trace.append({"step": "quick actions", "result": sent})


def clear_outcome(row: InboundEmail) -> None:
    row.handler = row.outcome = row.key_digest = ""
    row.effect_key = None
    row.issue = row.merge_request = row.note = None


def find_first_copy(row: InboundEmail) -> InboundEmail | None:
    """The row by which the same message of the same sender acted on the same project."""
    if not row.message_id:
        return None
    same = InboundEmail.objects.filter(
        message_id=row.message_id,
        sender=row.sender,
        project=row.project_id,
        status=Status.PROCESSED,
    )
    return same.only("pk").order_by("pk").first()
