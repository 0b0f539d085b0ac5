"""From ledger rows to their effects: claim, parse, look up, then act on each in order."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice, takewhile

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from incoming_email.handlers.base import Context
from incoming_email.keys.own_addresses import find_own
from incoming_email.models import (
    SWEEP_AFTER,
    InboundEmail,
    Mailbox,
    SenderPolicy,
    pause_after,
)
from incoming_email.outcomes import Status
from incoming_email.parsing.addresses import AddressTemplate, asks_no_answer
from incoming_email.parsing.types import Kind, ParsedEmail
from incoming_email.pipeline import acting, claims
from incoming_email.pipeline.acting import settle_in_turn
from incoming_email.pipeline.attempts import Attempt, End
from incoming_email.pipeline.deciding import decide
from incoming_email.pipeline.faults import PAUSE, is_ours, note_retry, noted
from incoming_email.pipeline.isolation.process import NoParserError
from incoming_email.pipeline.isolation.reading import RawText, parse_all
from incoming_email.pipeline.limiting import find_blocks
from incoming_email.pipeline.resolving import look_up
from incoming_email.sender_auth import find_evidence
from issues import connections, memory, outbox
from issues.clock_skew import latest_now
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)
GROUP = 50
"""Messages that may share a transaction: as many as a batch has, few enough to end it soon."""

MOST_FAULTS_IN_A_ROW = 3
"""When an attempt could not even be made at so many rows, the cause is not the messages, and each
further row would lose an attempt to it."""


def process(inbound_email_id: int, *, clock: Callable[[], datetime] = timezone.now) -> bool:
    """Make one attempt at the message; False where it is not due or somebody else's.

    Raises what kept the row from being claimed, and stores it as the row's last error.
    """
    row = _claim(inbound_email_id, now=clock())
    if row is None:
        return False
    _attempt(row, clock=clock)
    return True


def process_in_turn(inbound_email_id: int, *, clock: Callable[[], datetime] = timezone.now) -> None:
    """Make an attempt at the row that is due first, then at this one: tasks come in the order in
    which messages came, and what is urgent must not wait behind all of them."""
    first = InboundEmail.objects.due(clock()).order_by("next_attempt_at", "pk")
    process_each(first.exclude(pk=inbound_email_id).values_list("pk", flat=True)[:1], clock=clock)
    process(inbound_email_id, clock=clock)


def process_each(
    ids: Iterable[int],
    *,
    clock: Callable[[], datetime] = timezone.now,
    budget: Budget = UNLIMITED,
) -> int:
    """Make one attempt at each that is due, until the budget is over; return how many that were.

    Raises nothing: what kept an attempt from being made is logged, and the next row is tried, up
    to MOST_FAULTS_IN_A_ROW. The rows after that stay due.
    """
    done = faults = 0
    for pk in takewhile(lambda _: not budget.is_over(), ids):
        try:
            row = _claim(pk, now=clock())
            done += row is not None
            is_attempted = row is None or _attempt(row, clock=clock)
        except Exception:  # whatever it is, the other rows must have their attempt
            logger.exception("no attempt could be made inbound_email=%s", pk)
            is_attempted = False
        faults = 0 if is_attempted else faults + 1
        if faults == MOST_FAULTS_IN_A_ROW:
            logger.warning("the other messages that are due wait for the next sweep")
            break
    return done


def _attempt(row: InboundEmail, *, clock: Callable[[], datetime]) -> bool:
    with claims.held([row]):
        return not process_claimed([row], clock=clock)


def process_claimed(
    rows: Sequence[InboundEmail],
    *,
    clock: Callable[[], datetime],
    emails: Iterator[ParsedEmail] | None = None,
    budget: Budget = UNLIMITED,
) -> int:
    """Make one attempt at each of these messages, which the caller has claimed; return at how
    many none could be made, for a fault in reading or in a look-up. What is left when the budget
    is over is given back.

    Look-ups are made once a group. What its handler can do quickly is done for many messages in
    one transaction; each of the others has its own, and none stops the rest. Rows of one call
    belong to one mailbox; `emails` is what `begin_reading` gave for them.
    """
    left_out, is_large = 0, False
    with outbox.wake_once():
        for start in range(0, len(rows), GROUP):
            if budget.is_over():
                claims.give_back(rows[start:])
                break
            emails = emails or _read(rows[start:])
            group = rows[start : start + GROUP]
            attempts = _prepare(group, emails, now=clock(), budget=budget)
            if isinstance(attempts, int) or start + GROUP >= len(rows):
                emails = None  # one that raised is at its end, and one that is read holds the texts
            for row in group:
                is_large = is_large or len(row.raw) > memory.LARGE_BYTES
                row.forget_raw()  # whoever asks for it all the same has it from the database
            if isinstance(attempts, int):
                left_out += attempts
                continue
            settle_in_turn(attempts, budget)
            if len(attempts) < len(group):
                claims.give_back(group[len(attempts) :])  # not read in time
            del attempts  # what is large in them goes before memory is given back
    if is_large:
        memory.give_back()
    return left_out


def begin_reading(rows: Sequence[InboundEmail]) -> Iterator[ParsedEmail]:
    """Start parsing for `process_claimed`: the parser's child works ahead as far as its pipes reach
    while the caller does something else. There must be at least one row."""
    emails = _read(rows)
    try:
        return chain([next(emails)], emails)
    except NoParserError:  # `process_claimed` meets it again, where it becomes a retry
        return _read(rows)


def due_ids(*, now: datetime, mailbox: Mailbox | None = None) -> list[int]:
    """Rows, of one mailbox or of all, whose attempt is overdue: retries, and those left by a
    crash, a lost broker or a budget that was over."""
    due = InboundEmail.objects.due(now - SWEEP_AFTER).order_by("next_attempt_at", "pk")
    if mailbox is not None:
        due = due.filter(mailbox=mailbox)
    return list(due.values_list("pk", flat=True)[: settings.SWEEP_BATCH])


def give_up_exhausted(*, now: datetime) -> int:
    """Mark as failed what has used up its attempts; return how many."""
    return InboundEmail.objects.exhausted(now).update(status=Status.FAILED, finished_at=now)


def take_up_future(*, now: datetime) -> int:
    """Make due what came, was claimed or was put off by a clock that was set back since; return
    how many. It would wait until the time has come again, though nobody works on it.

    A claim, or a pause after a fault of ours, ends no further ahead than it lasts. A limit may put
    a message off for longer; one that has failed before is then looked at by each sweep.
    """
    latest = latest_now(now)
    wrong = Q(attempts=0, received_at__gt=latest)
    wrong |= Q(attempts=0, next_attempt_at__gt=latest + PAUSE) & ~Q(last_error="")
    for attempts in range(1, settings.MAX_ATTEMPTS + 1):
        wrong |= Q(attempts=attempts, next_attempt_at__gt=latest + pause_after(attempts - 1))
    future = InboundEmail.objects.filter(wrong, status=Status.PENDING, next_attempt_at__gt=now)
    return future.update(next_attempt_at=now - SWEEP_AFTER)


def try_out(row: InboundEmail, *, now: datetime) -> End:
    """How an attempt at the row, stored or not, would end; without any effect."""
    (attempt,) = _make_attempts([row], _read([row]), now=now)
    with outbox.wake_once():
        return acting.try_out(attempt, decide(attempt))


def _read(rows: Sequence[InboundEmail]) -> Iterator[ParsedEmail]:
    """Nothing is done before the first is asked for, so that a fault in it becomes a retry."""
    yield from parse_all([RawText(bytes(row.raw), row.recipient) for row in rows])


def _claim(pk: int, *, now: datetime) -> InboundEmail | None:
    connections.validate()
    with noted(pk):
        if not InboundEmail.objects.claim(pk, now=now):
            return None
        return InboundEmail.objects.get_whole(pk)


def _prepare(
    rows: Sequence[InboundEmail],
    emails: Iterator[ParsedEmail],
    *,
    now: datetime,
    budget: Budget = UNLIMITED,
) -> list[Attempt] | int:
    """What is known of each; or, after a fault, at how many no attempt could be made. A fault that
    may be of one message alone is found out by taking each by itself."""
    try:
        return _make_attempts(rows, emails, now=now, budget=budget)
    except Exception as fault:
        logger.exception("no attempt could be made inbound_email=%s rows=%s", rows[0].pk, len(rows))
        if len(rows) == 1 or is_ours(fault):
            note_retry(rows, fault, now=now)
            return len(rows)
    left_out = 0
    for row in rows:
        alone = _prepare([row], _read([row]), now=now)
        if isinstance(alone, int):
            left_out += alone
        else:
            settle_in_turn(alone)
    return left_out


def _make_attempts(
    rows: Sequence[InboundEmail],
    emails: Iterator[ParsedEmail],
    *,
    now: datetime,
    budget: Budget = UNLIMITED,
) -> list[Attempt]:
    """Of the first rows, as many as are read and looked up before the budget is over. Answers to
    mails of ours come first: they need not wait for what strangers sent before.

    The parser's child goes on with the next messages while these are acted on.
    """

    mailbox = rows[0].mailbox
    in_time: list[ParsedEmail] = []
    for email in islice(emails, len(rows)):
        if budget.is_over():
            break
        in_time.append(email)
    connections.validate()  # reading them may have taken minutes
    read = _show_authors(in_time, mailbox.template)
    known = look_up(read, mailbox.template)
    answers: list[Attempt] = []
    others: list[Attempt] = []
    evidence = find_evidence(mailbox, rows[: len(read)], read)
    of_each = zip(rows, read, evidence, known.named, find_blocks(read), strict=False)
    for row, email, (proof, spam), named, blocked_in in of_each:
        if budget.is_over():
            break
        context = Context(
            row.pk,
            now,
            mailbox.purpose,
            known.reply_keys,
            known.told,
            named,
            known.internal,
            proof,
            spam,
            keys=known.keys,
            forwarded=known.forwarded,
            blocked_in=blocked_in,
            waived=frozenset(row.waived_rules),
            received_at=row.received_at,
            mailbox_id=mailbox.pk,
            asks_proof=mailbox.reply_sender_policy == SenderPolicy.REQUIRE,
            is_persons=_is_persons(email),
        )
        group = answers if named else others
        group.append(Attempt(row, email, context, email.sender[:254]))
    return answers + others


def _is_persons(email: ParsedEmail) -> bool:
    """Not where a server may have written it, with the null path or as `mailer-daemon@`."""
    is_servers = email.null_return_path or asks_no_answer(email.sender)
    return email.kind is Kind.PERSONAL and not is_servers


def _show_authors(
    emails: Sequence[ParsedEmail], template: AddressTemplate
) -> Sequence[ParsedEmail]:
    """Where From is the address of a mailing list or one of ours, with who is behind it as their
    sender, or nobody. Common mail costs no query.

    Our own mail that comes back keeps its From: it is known by its marks, which nobody else makes.
    """
    asked = {each.sender for each in emails if each.behind.address and not each.behind.is_list}
    ours = find_own(asked) if asked else set()
    shown = list(emails)
    for number, each in enumerate(emails):
        is_other = each.behind.is_list or each.sender in ours or template.matches(each.sender)
        if is_other and not (each.origin and outbox.is_own(each.message_id, each.origin)):
            shown[number] = replace(each, sender=each.behind.address, shown_from=each.sender)
    return shown
