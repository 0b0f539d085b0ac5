"""Processes the messages of a batch in order; batchable ones share a transaction and statements."""

import logging
from collections.abc import Collection, Mapping, Sequence

from django.db import IntegrityError, transaction

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Refused
from incoming_email.pipeline.acting import let_handler_act, settle
from incoming_email.pipeline.attempts import Attempt
from incoming_email.pipeline.deciding import Act, Decision, decide
from incoming_email.pipeline.ends import End, NotPendingError, lock, write_ends
from incoming_email.pipeline.faults import becoming_a_retry
from incoming_email.pipeline.resolving import find_handlers
from issues import connections, known_discussions, known_roles, services, uploads

logger = logging.getLogger(__name__)


class _Batch:
    """Messages that wait to be processed together. Each effect is among them once."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Attempt, Decision, Act]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self, attempt: Attempt, decision: Decision) -> bool:
        """Whether it may wait. What counts for a limit is processed alone: the next one must see it
        counted."""
        act = decision.verdict
        if not isinstance(act, Act) or act.effect_key in self._waiting:
            return False
        is_counted = decision.count.counted_at != attempt.row.counted_at
        if is_counted or act.resolved.target.takes_time or not act.resolved.handler.batchable:
            return False
        self._waiting[act.effect_key] = (attempt, decision, act)
        return True

    def settle(self) -> None:
        """Process together where possible, and one by one otherwise."""
        waiting, self._waiting = self._waiting, {}
        done = _settle_together(waiting) if len(waiting) > 1 else ()
        for key, (attempt, decision, _act) in waiting.items():
            if key not in done:
                _settle_alone(attempt, decision)


def settle_in_turn(attempts: Sequence[Attempt]) -> None:
    """Decide about each message once, and carry that out. None stops the others.

    What is decided about a batchable message does not depend on other batchable ones. Before any
    other message, all before it are processed, since it may be about just that: the reply to a
    ticket that the message before it opens.
    """
    batch = _Batch()
    for attempt in attempts:
        if batch and not _may_be_batched(attempt):
            batch.settle()
        with becoming_a_retry(attempt.row, now=attempt.context.now):
            decision = decide(attempt)
            if len(attempts) == 1 or not batch.take(attempt, decision):
                batch.settle()
                _settle_alone(attempt, decision)
    batch.settle()


def _may_be_batched(attempt: Attempt) -> bool:
    handlers = find_handlers(attempt.email, attempt.row.mailbox.template, attempt.context)
    return any(handler.batchable for handler in handlers)


def _settle_alone(attempt: Attempt, decision: Decision) -> None:
    retried = becoming_a_retry(attempt.row, now=attempt.context.now, trace=decision.trace)
    with retried, connections.unit_of_work():
        _log_end(attempt.row, settle(attempt, decision))


def _settle_together(waiting: Mapping[str, tuple[Attempt, Decision, Act]]) -> Collection[str]:
    """Act in one transaction, which commits whole or not at all; returns the effect keys that are
    settled.

    Copies of what has been acted on are left out. A fault ends none of the messages: each is then
    processed by itself, which shows the one at fault.
    """
    name = next(iter(waiting.values()))[0].row.pk
    try:
        copies = InboundEmail.objects.filter(effect_key__in=waiting)
        known = set(copies.values_list("effect_key", flat=True))
        group = {key: each for key, each in waiting.items() if key not in known}
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


def _act_on(group: Sequence[tuple[Attempt, Decision, Act]]) -> list[tuple[InboundEmail, End]]:
    targets = [act.resolved.target for _attempt, _decision, act in group]
    with uploads.rolled_back_on_error(), transaction.atomic(durable=True):
        lock([attempt.row for attempt, _decision, _act in group])
        people = [(target.author, target.project) for target in targets]
        places = [(target.item, target.discussion) for target in targets]
        with (
            known_roles.looked_up(people),
            known_discussions.looked_up(places),
            services.announced_together(),
        ):
            ends = [(each[0].row, let_handler_act(*each)) for each in group]
        write_ends(ends, now=group[0][0].context.now)
    return ends


def _log_end(row: InboundEmail, end: End) -> None:
    reason = end.reason.value if end.reason else ""
    logger.info("processed inbound_email=%s status=%s reason=%s", row.pk, end.status.value, reason)
