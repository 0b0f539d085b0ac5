"""Quick messages that share a transaction, and with it the statements that one can do for many."""

import logging
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Held, Ignored, Rejected, Status
from incoming_email.pipeline import acting
from incoming_email.pipeline.acting import NotPendingError
from incoming_email.pipeline.attempts import Attempt, clear_outcome, describe
from incoming_email.pipeline.deciding import effect_key
from incoming_email.pipeline.limiting import Delayed
from incoming_email.pipeline.resolving import Resolved
from issues import known_discussions, known_roles, services, uploads

logger = logging.getLogger(__name__)


def act_together(group: Sequence[Attempt], mailbox: Mailbox) -> set[int]:
    """Act on what is quick, in one transaction; return the rows that are ended thereby.

    A group commits whole or not at all. Whatever goes wrong is no end for any of them: the
    caller then makes the attempt at each by itself, and the one at fault is found out.
    """
    try:
        quick = _choose_quick(group, mailbox)
        if quick:
            _act_on(quick)
    except Exception as fault:  # the caller's boundary of a single message takes it from here
        # A refusal or a copy is no surprise; a fault might show in a group only, so it is told.
        unforeseen = not isinstance(fault, NotPendingError | IntegrityError | Rejected | Held)
        level = logging.ERROR if unforeseen else logging.INFO
        logger.log(level, "one by one inbound_email=%s…", group[0].row.pk, exc_info=unforeseen)
        for attempt in group:
            clear_outcome(attempt.row)
        return set()
    return {attempt.row.pk for attempt, _ in quick}


def _act_on(quick: Sequence[tuple[Attempt, Resolved]]) -> None:
    targets = [resolved.target for _, resolved in quick]
    people = [(target.author, target.project) for target in targets]
    places = [(target.item, target.discussion) for target in targets]
    rows = [attempt.row for attempt, _ in quick]
    with uploads.rolled_back_on_error(), transaction.atomic(durable=True):
        acting.lock(rows)
        with (
            known_roles.looked_up(people),
            known_discussions.looked_up(places),
            services.announced_together(),
        ):
            for attempt, resolved in quick:
                acting.let_handler_act(attempt, resolved)
        InboundEmail.save_all_as(rows, Status.PROCESSED, now=quick[0][0].context.now)


def _choose_quick(group: Sequence[Attempt], mailbox: Mailbox) -> list[tuple[Attempt, Resolved]]:
    """What a quick handler is to act on, without copies of what has been acted on.

    What counts for a limit goes alone: the next one must see it counted.
    """
    chosen: dict[str, tuple[Attempt, Resolved]] = {}
    for attempt in group:
        describe(attempt)
        try:
            resolved = acting.decide(attempt, mailbox)
        except (Ignored, Rejected, Held, Delayed):
            continue
        is_quick = resolved.handler.quick and not resolved.target.takes_time
        if is_quick and attempt.row.counted_at == attempt.counted_at:
            chosen.setdefault(effect_key(attempt.email, resolved), (attempt, resolved))
    known = InboundEmail.objects.filter(effect_key__in=chosen).values_list("effect_key", flat=True)
    for key in known:
        if key is not None:
            del chosen[key]
    return list(chosen.values())
