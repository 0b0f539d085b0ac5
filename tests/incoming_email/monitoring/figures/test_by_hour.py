"""Kept sums say what a count of the whole ledger says, whatever happens to its rows meanwhile."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email import tasks
from incoming_email.models import ChangedHour, HourCount, InboundEmail, Kept
from incoming_email.monitoring.figures import by_hour
from incoming_email.monitoring.figures.by_hour import find_counts, sum_changed_hours
from incoming_email.monitoring.figures.over_time import PERIODS, find_activity
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import reviewing
from incoming_email.upkeep.purging import Wanted, discard_spam, purge
from issues.stopping import Budget
from tests.depth import DEPTH
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.pipeline.test_races import at_once

DAY, WEEK, MONTH = PERIODS
NOW = datetime(2024, 5, 10, 13, 20, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)


def count_directly(starts):
    """Row by row, in Python."""
    found = Counter()
    for row in InboundEmail.objects.all():
        hour = row.received_at.replace(minute=0, second=0, microsecond=0)
        if hour < starts[0]:
            continue
        start = max(each for each in starts if each <= hour)
        took = None
        if row.finished_at:
            took = max(int((row.finished_at - row.received_at).total_seconds()), 0)
            took -= took % (1 if took < 60 else 60 if took < 3600 else 3600)
        found[start, row.mailbox_id, row.status, took] += 1
    return found


def find(starts):
    found = Counter()
    for start, mailbox, status, took, count in find_counts(starts):
        found[start, mailbox, status, took] += count
    return found


def expect_the_same():
    for period in PERIODS:
        starts = period.starts(NOW)
        assert find(starts) == count_directly(starts)


def receive(mailbox, status, *, hours=0, seconds=5, **fields):
    row = ended(status, mailbox=mailbox, received_at=NOW - timedelta(hours=hours), **fields)
    if row.finished_at:
        finished_at = row.received_at + timedelta(seconds=seconds)
        InboundEmail.objects.filter(pk=row.pk).update(finished_at=finished_at)
    return row


def end(pk):
    rows = InboundEmail.objects.filter(pk=pk, status=Status.PENDING)
    rows.update(status=Status.REJECTED, reason=Reason.EMPTY, finished_at=LATER)


def purge_all(_pk):
    list(purge(Wanted(kinds=[Kept.RAW, Kept.FAILED, Kept.TRACE], days=1), now=NOW))


def move(pk):
    InboundEmail.objects.filter(pk=pk).update(received_at=NOW - timedelta(hours=26))


CHANGES = {
    "end": end,
    "requeue": lambda pk: reviewing.requeue([pk], now=LATER),
    "release": lambda pk: reviewing.release([pk], now=LATER),
    "discard": lambda pk: reviewing.discard([pk], now=LATER),
    "purge": purge_all,
    "discard spam": lambda _pk: discard_spam(now=LATER + timedelta(days=30)),
    "delete one": lambda pk: InboundEmail.objects.get(pk=pk).delete(),
    "delete": lambda pk: InboundEmail.objects.filter(pk=pk).delete(),
    "move": move,
    "save": lambda pk: InboundEmail.objects.get(pk=pk).save(),
    "sum one": lambda _pk: sum_changed_hours(budget=Budget.of(0)),
    "sum": lambda _pk: tasks.sum_and_index(),
}
"""What happens to a row, by what does it in the product where there is something."""

ROW = st.tuples(
    st.sampled_from(Status), st.integers(0, 60) | st.integers(0, 800), st.integers(-10, 9000)
)


@pytest.mark.django_db
@settings(max_examples=30 * DEPTH)
@given(st.lists(ROW | st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0)), max_size=25))
def test_any_history_of_rows_is_counted_right(history):
    with transaction.atomic():
        mailboxes, pks = MailboxFactory.create_batch(2), []
        for step in history:
            match step:
                case Status() as status, hours, seconds:
                    mailbox = mailboxes[seconds % 2]
                    pks.append(receive(mailbox, status, hours=hours, seconds=seconds).pk)
                case str(name), place if pks:
                    at = place % len(pks)
                    CHANGES[name](pks[at])
                    if name.startswith("delete"):
                        del pks[at]
            expect_the_same()
        tasks.sum_and_index()
        assert not ChangedHour.objects.exists()
        expect_the_same()
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_what_is_summed_is_not_read_from_the_ledger_again():
    mailbox = MailboxFactory()
    for hours in range(0, 700, 7):
        receive(mailbox, Status.PROCESSED, hours=hours)
    sum_changed_hours()
    with CaptureQueriesContext(connection) as queries:
        whole = find_activity(MONTH, now=NOW)
    assert whole.received == {mailbox.pk: 100}
    assert [q["sql"] for q in queries if "inboundemail" in q["sql"]] == []
    assert len(queries) == 2


@pytest.mark.django_db
def test_only_hours_that_changed_are_read_from_the_ledger():
    mailbox = MailboxFactory()
    rows = [receive(mailbox, Status.FAILED, hours=hours) for hours in range(0, 60, 3)]
    sum_changed_hours()
    for row in rows[::2]:
        reviewing.requeue([row.pk], now=NOW)
    reviewing.requeue([rows[1].pk], now=NOW)
    with CaptureQueriesContext(connection) as queries:
        expect_the_same()
    asked = [q["sql"] for q in queries if "inboundemail" in q["sql"] and "COUNT" in q["sql"]]
    assert len(asked) == len(PERIODS)
    sum_changed_hours()
    expect_the_same()


@pytest.mark.django_db
def test_the_newest_hours_are_summed_first_and_the_next_task_goes_on():
    mailbox = MailboxFactory()
    for hours in (30, 2, 9):
        receive(mailbox, Status.PROCESSED, hours=hours)
    done = []
    while sum_changed_hours(budget=Budget.of(0)):
        (hour,) = set(HourCount.objects.values_list("hour", flat=True)) - set(done)
        done.append(hour)
    assert done == sorted(done, reverse=True)
    assert len(done) == 3


@pytest.mark.django_db
def test_a_sum_that_is_cut_short_leaves_the_hour_as_changed(monkeypatch):
    mailbox = MailboxFactory()
    receive(mailbox, Status.PROCESSED)
    sum_changed_hours()
    receive(mailbox, Status.HELD)

    def die(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(by_hour.HourCount.objects, "bulk_create", die)
    with pytest.raises(KeyboardInterrupt):
        sum_changed_hours()
    monkeypatch.undo()
    assert HourCount.objects.count() == 1
    expect_the_same()
    sum_changed_hours()
    assert HourCount.objects.count() == 2
    expect_the_same()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_change_during_the_sum_is_summed_by_the_next(monkeypatch):
    mailbox, count_hours = MailboxFactory(), by_hour._count_hours
    receive(mailbox, Status.PROCESSED)

    def receive_more():
        receive(mailbox, Status.HELD)
        connection.close()

    def count_and_wait(hours):
        found = list(count_hours(hours))
        thread = threading.Thread(target=receive_more)
        thread.start()
        thread.join(20)
        return found

    monkeypatch.setattr(by_hour, "_count_hours", count_and_wait)
    sum_changed_hours()
    monkeypatch.undo()
    assert [each.status for each in HourCount.objects.all()] == [Status.PROCESSED]
    expect_the_same()
    sum_changed_hours()
    assert HourCount.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_writers_and_two_workers_that_sum_at_once_leave_right_sums():
    mailbox = MailboxFactory()
    pending = [receive(mailbox, Status.PENDING, hours=n % 3).pk for n in range(40)]

    def end_each(pks):
        for pk in pks:
            end(pk)

    def sum_often():
        for _ in range(15):
            sum_changed_hours()

    at_once(lambda: end_each(pending[::2]), lambda: end_each(pending[1::2]), sum_often, sum_often)
    expect_the_same()
    sum_changed_hours()
    expect_the_same()
    assert sum(HourCount.objects.values_list("count", flat=True)) == 40
