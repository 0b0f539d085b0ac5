"""Act on one message, or record why not: the effect and its record commit together."""

from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Hold, Outcome, Reason, Refusal, Refused, Reject, Status
from incoming_email.pipeline import notices
from incoming_email.pipeline.attempts import Attempt
from incoming_email.pipeline.deciding import Act, Decision, Delay
from incoming_email.pipeline.ends import End, Step, lock, write_ends
from incoming_email.secrets import credentials
from issues import repositories, uploads
from issues.models import Issue, MergeRequest, Note


def settle(attempt: Attempt, decision: Decision) -> End:
    """Carry the decision out in a transaction of its own, and write how the attempt ended.

    Raises NotPendingError. Any other fault leaves nothing of the effect, and the row as it was.
    """
    verdict = decision.verdict
    if not isinstance(verdict, Act):
        return _record(attempt, decision, verdict)
    try:
        with uploads.rolled_back_on_error(), transaction.atomic(durable=True):
            lock([attempt.row])
            end = let_handler_act(attempt, decision, verdict)
            write_ends([(attempt.row, end)], now=attempt.context.now)
            return end
    except IntegrityError:
        first = find_first_effect(verdict)
        if first is None:
            raise
        return _record_copy(attempt, decision, first)
    except Refused as refused:
        # A copy finds the work of the first one done, and must not cause a notice about it.
        first = find_first_effect(verdict)
        if first is not None:
            return _record_copy(attempt, decision, first)
        return _record(attempt, note_refusal(decision, refused.refusal), refused.refusal)


def try_out(attempt: Attempt, decision: Decision) -> End:
    """How `settle` would end it, without any effect.

    All that a handler does is done in a transaction that is rolled back; files are not written and
    mail is not enqueued, since both wait for a commit.
    """
    verdict = decision.verdict
    if not isinstance(verdict, Act):
        return end_without_effect(attempt, decision, verdict)
    first = find_first_effect(verdict)
    if first is not None:
        return end_as_copy(attempt, decision, first)
    with uploads.discarded(), repositories.discarded(), transaction.atomic():
        try:
            end = let_handler_act(attempt, decision, verdict)
        except Refused as refused:
            noted = note_refusal(decision, refused.refusal)
            end = end_without_effect(attempt, noted, refused.refusal)
        transaction.set_rollback(True)
    # What was made is gone with its transaction, so nothing may link to it.
    return replace(end, issue_id=None, merge_request_id=None, note_id=None)


def let_handler_act(attempt: Attempt, decision: Decision, act: Act) -> End:
    """The effect, within the caller's transaction, and the end to be written with it. Raises
    Refused where the handler does not act."""
    resolved = act.resolved
    outcome = resolved.handler.handle(attempt.email, resolved.target, attempt.context)
    made = outcome.made
    item = made.item if isinstance(made, Note) else (made or resolved.target.item)
    end = _describe(
        attempt,
        decision,
        Status.PROCESSED,
        handler=resolved.handler.name,
        outcome=outcome.text,
        key_digest=credentials.digest(resolved.key),
        effect_key=act.effect_key,
        note_id=made.pk if isinstance(made, Note) else None,
        issue_id=item.pk if isinstance(item, Issue) else None,
        merge_request_id=item.pk if isinstance(item, MergeRequest) else None,
    )
    return replace(end, trace=(*end.trace, *_report_failed_commands(attempt, act, outcome)))


def find_first_effect(act: Act) -> int | None:
    """The row of a copy of the message that acted before."""
    first = InboundEmail.objects.filter(effect_key=act.effect_key).values_list("pk", flat=True)
    return first.first()


def end_as_copy(attempt: Attempt, decision: Decision, first: int) -> End:
    step = {"step": "duplicate", "result": f"acted on as inbound email {first}"}
    end = _describe(
        attempt, decision, Status.IGNORED, reason=Reason.DUPLICATE, duplicate_of_id=first
    )
    return replace(end, trace=(*end.trace, step), counted_at=None)


def end_without_effect(attempt: Attempt, decision: Decision, verdict: Refusal | Delay) -> End:
    if isinstance(verdict, Delay):
        return _describe(attempt, decision, Status.PENDING, until=verdict.until)
    end = _describe(attempt, decision, verdict.status, reason=verdict.reason)
    if isinstance(verdict, Hold):
        return replace(end, held_rule=verdict.rule)
    if verdict.reason == Reason.DUPLICATE:
        return replace(end, duplicate_of_id=_find_first_copy(end))
    return end


def note_refusal(decision: Decision, refusal: Refusal) -> Decision:
    """The decision, with the handler's sentence about this message in its trace."""
    if not (isinstance(refusal, Reject) and refusal.detail):
        return decision
    step = {"step": "refusal", "result": str(refusal.detail)}
    return replace(decision, trace=(*decision.trace, step))


def _record(attempt: Attempt, decision: Decision, verdict: Refusal | Delay) -> End:
    """Writes the notice to the sender, if there is one, with the row."""
    end = end_without_effect(attempt, decision, verdict)
    with transaction.atomic(durable=True):
        lock([attempt.row])
        end = replace(end, trace=(*end.trace, *_notify_sender(attempt, verdict)))
        write_ends([(attempt.row, end)], now=attempt.context.now)
    return end


def _record_copy(attempt: Attempt, decision: Decision, first: int) -> End:
    end = end_as_copy(attempt, decision, first)
    with transaction.atomic(durable=True):
        lock([attempt.row])
        write_ends([(attempt.row, end)], now=attempt.context.now)
    return end


def _describe(attempt: Attempt, decision: Decision, status: Status, **more: Any) -> End:
    email, count = attempt.email, decision.count
    return End(
        status,
        message_id=email.message_id[:255],
        sender=attempt.sender,
        subject=email.subject[:255],
        defects=tuple(email.defects),
        trace=decision.trace,
        project_id=decision.project_id,
        token_digest=count.token_digest,
        counted_at=count.counted_at,
        **more,
    )


def _notify_sender(attempt: Attempt, verdict: Refusal | Delay) -> tuple[Step, ...]:
    row, email, context = attempt.row, attempt.email, attempt.context
    if isinstance(verdict, Reject):
        sent = notices.write_rejection(
            row, email, verdict, signatures=context.signatures, now=context.now
        )
    elif isinstance(verdict, Hold):
        sent = notices.write_held(row, email, verdict, now=context.now)
    else:
        return ()
    return ({"step": "notice", "result": sent},)


def _report_failed_commands(attempt: Attempt, act: Act, outcome: Outcome) -> tuple[Step, ...]:
    """Writes the mail about commands that failed, with the effect."""
    author, failed = act.resolved.target.author, outcome.failed_commands
    if author is None or not failed:
        return ()
    now = attempt.context.now
    sent = notices.write_failed_commands(attempt.row, attempt.email, author, failed, now=now)
    return ({"step": "quick actions", "result": sent},)


def _find_first_copy(end: End) -> int | None:
    """The row of the same message, from the same sender, that acted on the same project."""
    if not end.message_id:
        return None
    same = InboundEmail.objects.filter(
        message_id=end.message_id,
        sender=end.sender,
        project=end.project_id,
        status=Status.PROCESSED,
    )
    return same.order_by("pk").values_list("pk", flat=True).first()
