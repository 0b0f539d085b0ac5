"""Rows that are due, claimed one by one and sent over one connection."""

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connections as db_connections
from django.db.models import Value
from django.db.models.functions import Coalesce

from issues import connections
from issues.bearer_secrets import cut_secrets
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState
from issues.outbox import failing, schedule
from issues.outbox.accounts import connect
from issues.outbox.failing import Fault
from issues.outbox.giving_up import give_up, give_up_waiting
from issues.outbox.header_fields import clean_header
from issues.outbox.messages import build_message
from issues.sending import Refused, Scope, Unsendable, Verdict, describe, judge, judge_opening
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)

BATCH = 200
MAX_ERROR = 1000
# What the mail library and the network raise for one message; anything else is our own bug.
FAULTS = (OSError, ValueError, LookupError, TypeError, AttributeError)
Clock = Callable[[], datetime]


def deliver_due(*, now: datetime, budget: Budget = UNLIMITED) -> int:
    """Send what is due until the budget is over, with one connection per account; returns the
    number sent. Call outside a transaction. Accounts go in no order of their own, so that a slow
    one whose mail uses up each budget is not always before the others.

    A server that cannot be reached or refuses all mail costs no row an attempt: all of its mail
    waits, and one mail is tried at a time.
    """
    started = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    due = OutgoingEmail.objects.due(now).order_by().values_list("account", flat=True)
    accounts = set(due.distinct())
    states = {row.account: row for row in OutgoingAccount.objects.filter(account__in=accounts)}
    sent = 0
    in_turn = random.sample(sorted(accounts), len(accounts))
    for account in sorted(in_turn, key=lambda name: _is_failing(states.get(name))):
        if budget.is_over():
            break
        sent += _deliver_by(account, states.get(account), clock, budget)
    return sent


def find_longest_run() -> float:
    """Seconds that a task which sends may take: its budget, and the exchanges that it ends with (a
    new connection, and a mail), with some time for goodbye and the database."""
    return float(settings.TASK_BUDGET_SECONDS + 2 * settings.EMAIL_EXCHANGE_SECONDS + 30)


def _is_failing(state: OutgoingAccount | None) -> bool:
    return state is not None and state.failing_since is not None


def _deliver_by(account: str, state: OutgoingAccount | None, clock: Clock, budget: Budget) -> int:
    is_trial = _is_failing(state)
    if state is not None and is_trial:
        give_up_waiting(state, now=clock())
        if not failing.claim_try(state, now=clock()):
            return 0
    due = OutgoingEmail.objects.due(clock()).filter(account=account)
    rows = list(due.order_by("next_attempt_at", "pk")[: 1 if is_trial else BATCH])
    run = Run(account, connect(account), clock, worked_at=state.worked_at if state else None)
    try:
        for row in rows:
            if budget.is_over() or not run.open():
                break
            connections.validate()  # the server may have taken its time
            if not run.deliver(row):
                break
        run.settle(is_trial=is_trial)
    finally:
        run.close()
    return run.sent


@dataclass(slots=True)
class Run:
    """The mails that are sent by one account, one after the other."""

    account: str
    connection: BaseEmailBackend
    clock: Clock
    worked_at: datetime | None
    """When the server last took a mail, or refused one for its recipient alone."""

    sent: int = 0
    has_worked: bool = False
    """In this run."""

    is_fresh: bool = True
    """The connection has carried no mail yet."""

    fault: Fault | None = None
    suspects: list[tuple[OutgoingEmail, Verdict]] = field(default_factory=list)
    """Refused, and not known yet whether every mail would be."""

    def open(self) -> bool:
        try:
            if self.connection.open():
                self.is_fresh = True
        except (OSError, ValueError) as error:  # a password that is not ASCII is a ValueError
            self._note_fault(judge_opening(error))
            return False
        return True

    def close(self) -> None:
        with suppress(OSError):
            self.connection.close()

    def deliver(self, row: OutgoingEmail) -> bool:
        """Claim and send a row and record how it went; whether the run may go on."""
        now = self.clock()
        if not _claim(row, now):
            return True
        try:
            message = build_message(row)
        except FAULTS as error:
            self._put_off(row, Verdict(Scope.MESSAGE, is_permanent=False, text=describe(error)))
            return True
        try:
            if not message.recipients():  # files and others take such a mail
                raise Unsendable("The mail has no recipient.")
            if not self.connection.send_messages([message]):
                raise ConnectionError("The mail server took no mail.")
        except (
            SystemExit
        ):  # the worker stops: nobody knows whether the server has it, as after a cut
            db_connections.close_all()
            _give_back(row, self.clock())
            raise
        except FAULTS as error:
            connections.validate()
            if not isinstance(error, Refused | Unsendable):
                self.close()  # in an unknown state; the next row opens a new one
            return self._judge(row, judge(error))
        _record_sent(row, self.clock())
        self.sent += 1
        self._note_work()
        return True

    def settle(self, *, is_trial: bool) -> None:
        """What is left to say once no other mail can show what a refusal meant."""
        if is_trial and self.suspects and self.fault is None:
            self._note_fault(self.suspects[-1][1])
        for row, verdict in self.suspects:
            if self.fault is None:
                give_up(row, _trim(verdict.text), now=self.clock())
            else:
                _release(row, verdict, self.clock())
        if self.has_worked:
            failing.record_success(self.account, now=self.clock())
        if self.fault is not None:
            failing.record_fault(self.account, self.fault, now=self.clock())

    def _judge(self, row: OutgoingEmail, verdict: Verdict) -> bool:
        """Record a fault; whether the run may go on."""
        if verdict.is_cut or verdict.is_closing:
            return self._lose_connection(row, verdict)
        scope = self._find_scope(row, verdict)
        if scope is Scope.ACCOUNT:
            self._note_fault(verdict)
            _release(row, verdict, self.clock())
            return False
        if scope is Scope.SUSPECT:
            self.suspects.append((row, verdict))
        elif verdict.is_permanent:
            if verdict.scope is Scope.MESSAGE and verdict.is_refused:
                self._note_work()
            give_up(row, _trim(verdict.text), now=self.clock())
        else:
            self._put_off(row, verdict)
        return True

    def _find_scope(self, row: OutgoingEmail, verdict: Verdict) -> Scope:
        """As the verdict has it, and what other mails show."""
        first, worked = row.first_attempt_at, self.worked_at
        has_worked_since = first is not None and worked is not None and worked > first
        if verdict.scope is Scope.LIKELY_ACCOUNT:
            return Scope.MESSAGE if has_worked_since else Scope.ACCOUNT
        if verdict.scope is Scope.SUSPECT:
            if has_worked_since:
                return Scope.MESSAGE
            alike = any(
                other.words == verdict.words and suspect.recipient != row.recipient
                for suspect, other in self.suspects
            )
            return Scope.ACCOUNT if alike else Scope.SUSPECT
        return verdict.scope

    def _lose_connection(self, row: OutgoingEmail, verdict: Verdict) -> bool:
        """Some servers end a connection after some mails, so one that has carried mail is renewed;
        a mail that breaks connections must not be tried for ever, so it loses an attempt."""
        if verdict.is_closing:
            _release(row, verdict, self.clock())
        else:
            self._put_off(row, verdict)
        if self.is_fresh or verdict.is_late:
            self._note_fault(verdict)
            return False
        return True

    def _note_fault(self, verdict: Verdict) -> None:
        self.fault = Fault(_trim(verdict.text), verdict.is_refused)

    def _note_work(self) -> None:
        """The server works: who was refused before that was refused for himself."""
        self.is_fresh, self.has_worked, self.worked_at = False, True, self.clock()
        for row, verdict in self.suspects:
            give_up(row, _trim(verdict.text), now=self.clock())
        self.suspects.clear()

    def _put_off(self, row: OutgoingEmail, verdict: Verdict) -> None:
        """Try it again after a pause, or no more."""
        now = self.clock()
        if schedule.is_over(row, now=now):
            give_up(row, _trim(verdict.text), now=now)
            return
        _log(row, verdict, is_final=False)
        OutgoingEmail.objects.filter(pk=row.pk).update(
            next_attempt_at=now + schedule.find_pause(row.attempts),
            last_error=_trim(verdict.text),
        )


def _claim(row: OutgoingEmail, now: datetime) -> bool:
    """One conditional UPDATE, committed before the work: a mail that kills us runs out too."""
    if schedule.is_over(row, now=now):
        give_up(row, row.last_error or "The worker died at every attempt.", now=now)
        return False
    pause = max(schedule.find_lease(), schedule.find_pause(row.attempts + 1))
    changed = OutgoingEmail.objects.filter(
        pk=row.pk, state=OutgoingState.PENDING, attempts=row.attempts, next_attempt_at__lte=now
    ).update(
        attempts=row.attempts + 1,
        first_attempt_at=Coalesce("first_attempt_at", Value(now)),
        next_attempt_at=now + pause,
    )
    row.attempts += 1
    row.first_attempt_at = row.first_attempt_at or now
    return bool(changed)


def _give_back(row: OutgoingEmail, now: datetime) -> None:
    """It costs no attempt. At once, since a later moment would make it no less of a second copy."""
    claimed = OutgoingEmail.objects.filter(
        pk=row.pk, state=OutgoingState.PENDING, attempts=row.attempts
    )
    claimed.update(attempts=row.attempts - 1, next_attempt_at=now)


def _record_sent(row: OutgoingEmail, now: datetime) -> None:
    """The mail is out: a database that went away meanwhile is waited for, or it is sent again."""
    sent = OutgoingEmail.objects.filter(pk=row.pk)
    connections.retry_while_away(
        lambda: sent.update(state=OutgoingState.SENT, sent_at=now, last_error="")
    )


def _release(row: OutgoingEmail, verdict: Verdict, now: datetime) -> None:
    """Not taken for no fault of its own: it loses no attempt, and others are tried before it."""
    _log(row, verdict, is_final=False)
    OutgoingEmail.objects.filter(pk=row.pk).update(
        attempts=row.attempts - 1, next_attempt_at=now, last_error=_trim(verdict.text)
    )


def _log(row: OutgoingEmail, verdict: Verdict, *, is_final: bool) -> None:
    logger.warning(
        "outgoing email not sent outgoing_email=%s attempt=%s error=%s final=%s",
        *(row.pk, row.attempts, verdict.text.partition(":")[0], is_final),
    )


def _trim(text: str) -> str:
    """Without the recipient's reply key: servers quote the envelope sender, and what they say is
    mailed, posted and shown to others."""
    (words,) = cut_secrets(text)
    return clean_header(words)[:MAX_ERROR]
