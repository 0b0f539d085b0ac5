"""Acts on messages in their turn, alone or many in one transaction: each effect and its record
commit together."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from incoming_email import patch_mails
from incoming_email.keys.reply_keys import note_answer
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Hold, Reason, Refusal, Refused, Reject, Status
from incoming_email.pipeline import claims, notices, telling
from incoming_email.pipeline.attempts import Attempt, End, NotPendingError, Step, lock, write_ends
from incoming_email.pipeline.deciding import Act, Decision, Delay, decide, is_spam
from incoming_email.pipeline.faults import becoming_a_retry
from incoming_email.pipeline.resolving import Resolved, find_handlers, fits_sender
from incoming_email.secrets import credentials
from issues import connections, permissions, repositories, services, uploads
from issues.models import Issue, MergeRequest, Note, id_columns
from issues.services.discussions import discussions_looked_up
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)
Acting = tuple[Attempt, Decision, Act]


def settle_in_turn(attempts: Sequence[Attempt], budget: Budget = UNLIMITED) -> None:
    """Decide about each message once, and carry that out. None stops the others. What is left when
    the budget is over is given back.

    What is decided about a batchable message does not depend on other batchable ones. Before any
    other message, all before it are processed, since it may be about just that: the reply to a
    ticket that the message before it opens.
    """
    waiting: dict[str, Acting] = {}
    for number, attempt in enumerate(attempts):
        if budget.is_over():
            claims.give_back([each.row for each in attempts[number:]])
            break
        handlers = find_handlers(attempt.email, attempt.context) if waiting else ()
        if waiting and not any(handler.batchable for handler in handlers):
            _settle_waiting(waiting)
        with becoming_a_retry(attempt.row, now=attempt.context.now):
            decision = decide(attempt)
            act = decision.verdict if len(attempts) > 1 else None
            if isinstance(act, Act) and _may_wait(attempt, decision, act, waiting):
                waiting[act.effect_key] = (attempt, decision, act)
            else:
                if waiting:
                    _settle_waiting(waiting)
                settle(attempt, decision)
    if waiting:
        _settle_waiting(waiting)


def settle(attempt: Attempt, decision: Decision) -> None:
    """Carry the decision out in a transaction of its own, and write how the attempt ended. A fault
    leaves nothing of the effect, and the row is due again."""
    row, verdict, now = attempt.row, decision.verdict, attempt.context.now
    with becoming_a_retry(row, now=now, trace=decision.trace), connections.unit_of_work():
        if not isinstance(verdict, Act):
            end = end_without_effect(attempt, decision, verdict)
            _record(attempt, end, verdict, decision)
            return
        if verdict.former_key and (first := find_first_effect(verdict)):
            _record(attempt, end_as_copy(attempt, decision, first))
            return
        try:
            with uploads.rolled_back_on_error(), transaction.atomic(durable=True):
                lock([row])
                end = let_handler_act(attempt, decision, verdict)
                write_ends([(row, end)], now=now)
            _log_end(row, end)
        except (IntegrityError, Refused) as fault:
            # A copy finds the work of the first one done, and must not cause a notice about it.
            first = find_first_effect(verdict)
            if first is not None:
                _record(attempt, end_as_copy(attempt, decision, first))
            elif isinstance(fault, Refused):
                end = end_refused(attempt, decision, fault.refusal)
                _record(attempt, end, fault.refusal, decision)
            else:
                raise


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
            end = end_refused(attempt, decision, refused.refusal)
        transaction.set_rollback(True)
    # What was made is gone with its transaction, so nothing may link to it.
    return replace(end, issue_id=None, merge_request_id=None, note_id=None)


def _may_wait(
    attempt: Attempt, decision: Decision, act: Act, waiting: Mapping[str, Acting]
) -> bool:
    """To be processed with others. What counts for a limit is processed alone: the next one must
    see it counted. Each effect is among them once."""
    is_counted = decision.count.counted_at != attempt.row.counted_at
    if is_counted or act.effect_key in waiting:
        return False
    return act.resolved.handler.batchable and not act.resolved.target.takes_time


def _settle_waiting(waiting: dict[str, Acting]) -> None:
    """Process together where possible, and one by one otherwise. None waits after it."""
    acts = dict(waiting)
    waiting.clear()
    done = _settle_together(acts) if len(acts) > 1 else ()
    for key, (attempt, decision, _act) in acts.items():
        if key not in done:
            settle(attempt, decision)


def _settle_together(waiting: Mapping[str, Acting]) -> Collection[str]:
    """Act in one transaction, which commits whole or not at all; returns the effect keys that are
    settled.

    Copies of what has been acted on are left out. A fault ends none of the messages: each is then
    processed by itself, which shows the one at fault.
    """
    name = next(iter(waiting.values()))[0].row.pk
    try:
        by_key = {key: {key, act.former_key} for key, (*_, act) in waiting.items()}
        copies = InboundEmail.objects.filter(effect_key__in=set().union(*by_key.values()))
        known = set(copies.values_list("effect_key", flat=True))
        group = {key: waiting[key] for key, keys in by_key.items() if known.isdisjoint(keys)}
        ends = _act_on(list(group.values())) if group else []
    except (NotPendingError, IntegrityError, Refused):
        logger.info("processing one by one inbound_email=%s…", name)
        return ()
    except Exception:  # each alone has a fault boundary of its own
        logger.exception("processing one by one inbound_email=%s…", name)
        return ()
    for row, end in ends:
        _log_end(row, end)
    return group


def _act_on(group: Sequence[Acting]) -> list[tuple[InboundEmail, End]]:
    targets = [act.resolved.target for _attempt, _decision, act in group]
    with uploads.rolled_back_on_error(), transaction.atomic(durable=True):
        lock([attempt.row for attempt, _decision, _act in group])
        people = [(target.author, target.project) for target in targets]
        places = [(target.item, target.discussion) for target in targets]
        with (
            permissions.roles_looked_up(people),
            discussions_looked_up(places),
            services.announced_together(),
        ):
            ends = [(each[0].row, let_handler_act(*each)) for each in group]
        write_ends(ends, now=group[0][0].context.now)
    return ends


def _log_end(row: InboundEmail, end: End) -> None:
    reason = end.reason.value if end.reason else ""
    logger.info("processed inbound_email=%s status=%s reason=%s", row.pk, end.status.value, reason)


def let_handler_act(attempt: Attempt, decision: Decision, act: Act) -> End:
    """The effect, within the caller's transaction, with the mail about commands that failed; and
    the end to be written with it. Raises Refused where the handler does not act."""
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
    author = resolved.target.author
    if author is None or not outcome.failed_commands:
        return end
    sent = notices.write_failed_commands(
        attempt.row, attempt.email, author, outcome.failed_commands, now=attempt.context.now
    )
    return replace(end, trace=(*end.trace, {"step": "quick actions", "result": sent}))


def find_first_effect(act: Act) -> int | None:
    """The row of a copy of the message that acted before."""
    acted = InboundEmail.objects.filter(effect_key__in=[act.effect_key, act.former_key])
    return acted.values_list("pk", flat=True).first()


def end_as_copy(attempt: Attempt, decision: Decision, first: int) -> End:
    step = {"step": "duplicate", "result": f"acted on as inbound email {first}"}
    end = _describe(
        attempt, decision, Status.IGNORED, reason=Reason.DUPLICATE, duplicate_of_id=first
    )
    return replace(end, trace=(*end.trace, step), counted_at=None)


def end_without_effect(attempt: Attempt, decision: Decision, verdict: Refusal | Delay) -> End:
    if isinstance(verdict, Delay):
        return _describe(attempt, decision, Status.PENDING, until=verdict.until)
    end = _describe(
        attempt,
        decision,
        verdict.status,
        reason=verdict.reason,
        issue_id=telling.find_issue_id(decision.resolved, verdict),
    )
    if isinstance(verdict, Hold):
        return replace(end, held_rule=verdict.rule)
    if verdict.reason == Reason.DUPLICATE:
        return replace(end, duplicate_of_id=_find_first_copy(end))
    return end


def end_refused(attempt: Attempt, decision: Decision, refusal: Refusal) -> End:
    """Refused by the handler, with its sentence about this message in the trace."""
    if isinstance(refusal, Reject) and refusal.detail:
        step = {"step": "refusal", "result": str(refusal.detail)}
        decision = replace(decision, trace=(*decision.trace, step))
    return end_without_effect(attempt, decision, refusal)


def _record(
    attempt: Attempt,
    end: End,
    verdict: Refusal | Delay | None = None,
    decision: Decision | None = None,
) -> None:
    """Writes the notice to the sender, if there is one, with the row."""
    with transaction.atomic(durable=True):
        lock([attempt.row])
        if verdict is not None and decision is not None:
            notice = _notify_sender(attempt, verdict, decision.resolved)
            end = replace(end, trace=(*end.trace, *notice))
        if isinstance(verdict, Hold | Reject):
            telling.tell_team(attempt.row, end, verdict)
        write_ends([(attempt.row, end)], now=attempt.context.now)
    _log_end(attempt.row, end)


def _describe(attempt: Attempt, decision: Decision, status: Status, **more: Any) -> End:
    email, count = attempt.email, decision.count
    return End(
        status,
        sender=attempt.sender,
        subject=email.subject[:255],
        defects=tuple(email.defects),
        trace=decision.trace,
        project_id=decision.resolved.target.project.pk if decision.resolved else None,
        token_digest=count.token_digest,
        counted_at=count.counted_at,
        **(more | id_columns(email.message_id)),
    )


def _notify_sender(
    attempt: Attempt, verdict: Refusal | Delay, resolved: Resolved | None
) -> tuple[Step, ...]:
    row, email, context = attempt.row, attempt.email, attempt.context
    if not isinstance(verdict, Reject | Hold):
        return ()
    proven = context.proof.passed
    has_key = (
        resolved is not None
        and bool(resolved.secret)
        and fits_sender(resolved.target, email.sender)
    )
    if verdict.reason is Reason.SPAM or is_spam(context, resolved):
        sent = "not sent: the message is spam"
    elif isinstance(verdict, Reject):
        if verdict.reason is Reason.DELETED and resolved is not None:
            note_answer(resolved.secret, now=context.now)  # for the team
        sent = notices.write_rejection(
            row, email, verdict, now=context.now, proven=proven, is_key_holder=has_key
        )
        if sent == notices.SENT:
            patch_mails.note_reported(verdict.series_parts)
    else:
        sent = notices.write_held(
            row, email, verdict, now=context.now, proven=proven, is_key_holder=has_key
        )
    return ({"step": "notice", "result": sent},)


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
