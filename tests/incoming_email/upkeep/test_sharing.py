"""The bytes of a message are stored once, go with its last row, and are never lost before."""

import hashlib
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from incoming_email import tasks
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, Kept, MessageContent, contents
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing, receiving
from incoming_email.smtp.listener import store
from incoming_email.upkeep import erasing, sharing
from incoming_email.upkeep.purging import Wanted, purge
from incoming_email.upkeep.sharing import share_contents
from issues.models import Issue
from issues.stopping import Budget
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import RAW, MailboxFactory
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def receive(mailbox, *contents, name="m", now=NOW):
    messages = [RawMessage(f"{name}{n}", content) for n, content in enumerate(contents)]
    return receiving.store(mailbox, messages, now=now, claimed=False)


def purge_all(now):
    for _ in purge(Wanted(kinds=[Kept.RAW]), now=now):
        pass


def end(*rows):
    InboundEmail.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=Status.REJECTED, reason="empty", finished_at=NOW
    )


def test_a_transaction_to_many_recipients_stores_the_bytes_once():
    world = make_world()
    others = [world.issue_address(), world.merge_request_address()]
    content = make_mail(to=world.reply_address(), sender=world.member.email) + b"x" * 100_000
    ids = store(content, [world.reply_address(), *others], "")
    rows = InboundEmail.objects.filter(pk__in=ids)
    assert [row.raw for row in rows] == [content] * 3
    assert {bytes(row.own_raw) for row in rows} == {b""}
    assert MessageContent.objects.count() == 1
    assert processing.process_each(ids) == 3
    assert Issue.objects.count() == 2


def test_a_message_that_came_before_refers_to_what_is_stored():
    one, two = MailboxFactory.create_batch(2)
    (first,) = receive(one, RAW)
    rows = receive(two, RAW, RAW + b"more", RAW)
    assert [row.content_id == first.content_id for row in rows] == [True, False, True]
    assert [row.raw for row in InboundEmail.objects.order_by("pk")] == [
        *(RAW, RAW),
        *(RAW + b"more", RAW),
    ]


def test_the_longest_retention_decides_and_the_bytes_go_with_the_last_row():
    short, long = MailboxFactory(keep_raw_days=1), MailboxFactory(keep_raw_days=30)
    (first,), (second,) = receive(short, RAW), receive(long, RAW)
    end(first, second)
    purge_all(NOW + timedelta(days=2))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.raw, second.raw) == (b"", RAW)
    purge_all(NOW + timedelta(days=31))
    second.refresh_from_db()
    assert (second.raw, MessageContent.objects.count()) == (b"", 0)


def test_the_bytes_of_an_erased_person_and_of_a_deleted_row_are_gone():
    (row, waiting) = receive(MailboxFactory(), RAW, RAW)
    end(row)
    InboundEmail.objects.update(sender="ada@example.com")
    erasing.erase(erasing.find_person("ada@example.com"), by=None, now=NOW)
    waiting.refresh_from_db()
    assert (waiting.raw, MessageContent.objects.count()) == (RAW, 1)
    waiting.delete()
    assert MessageContent.objects.count() == 0


def test_rows_of_earlier_versions_are_read_and_moved_but_for_those_that_wait():
    copies = [ended(Status.REJECTED, reason="empty", raw=RAW, source_id=str(n)) for n in range(3)]
    empty = ended(Status.FAILED, reason="unreadable_on_server", raw=b"", digest="")
    waiting = ended(Status.PENDING, raw=RAW + b"later")
    assert {row.raw for row in copies} == {RAW}
    tasks.purge()
    rows = {row.pk: row for row in InboundEmail.objects.all()}
    assert {rows[row.pk].raw for row in copies} == {RAW}
    assert {bytes(rows[row.pk].own_raw) for row in copies} == {b""}
    assert MessageContent.objects.count() == 1
    assert bytes(rows[waiting.pk].own_raw) == RAW + b"later"
    assert rows[empty.pk].content is None
    assert share_contents() == 0


def test_moving_goes_on_where_it_ended_however_large_each_is(monkeypatch):
    contents = [RAW + b"x" * n for n in (10, 3000, 3000, 10, 10)]
    for content in contents:
        ended(Status.REJECTED, reason="empty", raw=content)
    monkeypatch.setattr(sharing, "BATCH_BYTES", 2000)
    counts = [share_contents(budget=Budget.of(0)) for _ in range(4)]
    assert counts == [2, 1, 2, 0]
    assert [row.raw for row in InboundEmail.objects.order_by("pk")] == contents


def test_a_row_that_was_read_before_its_bytes_were_removed_is_empty():
    (row,) = receive(MailboxFactory(keep_raw_days=1), RAW)
    end(row)
    shown = InboundEmail.objects.get()
    purge_all(NOW + timedelta(days=2))
    assert shown.raw == b""


def test_who_forgets_the_bytes_has_them_from_the_database_again():
    (row,) = receive(MailboxFactory(), RAW)
    old = ended(Status.REJECTED, reason="empty", raw=RAW + b"old")
    for each, content in ((row, RAW), (old, RAW + b"old")):
        each.forget_raw()
        assert each.raw == content


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_what_is_stored_again_while_it_is_removed_stays(monkeypatch):
    (row,) = receive(MailboxFactory(keep_raw_days=1), RAW)
    end(row)
    other = MailboxFactory()
    done = threading.Event()

    def receive_again():
        receive(other, RAW)
        done.set()
        connection.close()

    thread = threading.Thread(target=receive_again)
    with transaction.atomic():
        InboundEmail.objects.filter(pk=row.pk).update(content=None)
        MessageContent.objects.remove_unused([row.content_id])
        thread.start()
        assert not done.wait(1)  # it waits for what is being removed
    thread.join(20)
    assert InboundEmail.objects.get(mailbox=other).raw == RAW


@pytest.mark.parametrize("size", [0, 9, 10, 11, 20, 25])
def test_a_large_message_comes_back_as_it_was_stored(monkeypatch, size):
    monkeypatch.setattr(contents, "PIECE_BYTES", 10)
    mailbox = MailboxFactory()
    content = bytes(range(size))
    rows = receive(mailbox, content, b"small", bytes(range(100, 115)))
    again = receive(mailbox, content, name="again")
    assert MessageContent.objects.count() == 3
    for row in (*rows, *again):
        stored = InboundEmail.objects.get(pk=row.pk)
        assert stored.raw == row.raw
        assert InboundEmail.objects.get_whole(row.pk).raw == row.raw
        assert hashlib.sha256(stored.raw).hexdigest() == row.digest


def test_bytes_that_are_removed_while_they_are_read_are_none(monkeypatch):
    monkeypatch.setattr(contents, "PIECE_BYTES", 10)
    (row,) = receive(MailboxFactory(), bytes(25))
    stored = InboundEmail.objects.get(pk=row.pk)
    InboundEmail.objects.filter(pk=row.pk).update(content=None)
    MessageContent.objects.all().delete()
    assert stored.raw == b""
    assert InboundEmail.objects.get_whole(row.pk).raw == b""
