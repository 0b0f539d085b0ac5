"""Decide about one message and let its handler act: effect and record commit together."""

from collections.abc import Sequence

from django.db import transaction

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Reason, Rejected, Status
from incoming_email.parsing.mime.headers import NO_FIELDS
from incoming_email.pipeline.attempts import Attempt, tell_unheeded, write_outcome
from incoming_email.pipeline.deciding import effect_key, find_target, require_allowed
from incoming_email.pipeline.limiting import require_room
from incoming_email.pipeline.resolving import Resolved
from issues import uploads


class NotPendingError(Exception):
    """Somebody else ended the row meanwhile: nothing may be done to it."""


def act(attempt: Attempt, mailbox: Mailbox) -> None:
    """The handler's effect and its record commit together, or neither does."""
    with uploads.rolled_back_on_error(), transaction.atomic(durable=True):
        lock([attempt.row])
        carry_out(attempt, mailbox)
        attempt.row.save_as(Status.PROCESSED, now=attempt.context.now)


def carry_out(attempt: Attempt, mailbox: Mailbox) -> None:
    """Decide and let the handler act; the row then says what was done, but is not saved."""
    let_handler_act(attempt, decide(attempt, mailbox))


def decide(attempt: Attempt, mailbox: Mailbox) -> Resolved:
    """The handler that may act, and on what; raises Ignored, Rejected, Held or Delayed."""
    row, email = attempt.row, attempt.email
    if row.oversize:
        raise Rejected(Reason.TOO_LARGE)
    if NO_FIELDS in email.defects:
        raise Rejected(Reason.NOT_A_MESSAGE)
    context, trace = attempt.context, attempt.trace
    resolved = find_target(email, mailbox=mailbox, context=context, trace=trace)
    row.project_id = resolved.target.project.pk
    require_room(row, email, resolved, now=context.now, trace=trace)
    require_allowed(
        email,
        resolved,
        mailbox=mailbox,
        context=context,
        waived=row.waived_rules,
        trace=trace,
    )
    return resolved


def let_handler_act(attempt: Attempt, resolved: Resolved) -> None:
    """What it did stands in the row, which the caller saves."""
    row, email = attempt.row, attempt.email
    row.effect_key = effect_key(email, resolved)
    try:
        outcome = resolved.handler.handle(email, resolved.target, attempt.context)
    except Rejected as refusal:
        if refusal.detail:
            attempt.trace.append({"step": "refusal", "result": str(refusal.detail)})
        raise
    write_outcome(row, resolved, outcome)
    tell_unheeded(attempt, resolved, outcome)


def lock(rows: Sequence[InboundEmail]) -> None:
    """Hold the rows until commit. Raises NotPendingError where another worker has ended or claimed
    one of them."""
    ids = [row.pk for row in rows]
    locked = InboundEmail.objects.select_for_update().filter(pk__in=ids, status=Status.PENDING)
    attempts = dict(locked.order_by("pk").values_list("pk", "attempts"))
    if any(attempts.get(row.pk) != row.attempts for row in rows):
        raise NotPendingError
