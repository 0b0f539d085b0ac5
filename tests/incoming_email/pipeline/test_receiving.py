"""From an inbox to the ledger: stored, then acknowledged, never twice."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from incoming_email import tasks
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import receiving
from tests.doubles import FakeInbox
from tests.incoming_email.factories import MailboxFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox():
    return MailboxFactory()


def message(number, content=b"Subject: x\r\n\r\n"):
    return RawMessage(f"1:{number}", content)


def receive(mailbox, inbox):
    return [list(rows) for rows in receiving.receive(mailbox, inbox, clock=timezone.now)]


def test_a_batch_is_stored_before_it_is_acknowledged(mailbox):
    inbox = FakeInbox([message(1), message(2)], [message(3)])
    batches = receive(mailbox, inbox)
    assert [[row.source_id for row in rows] for rows in batches] == [["1:1", "1:2"], ["1:3"]]
    assert inbox.acknowledged == [("1:1", True), ("1:2", True), ("1:3", True)]
    assert Mailbox.objects.get().position == "1:3"


def test_new_rows_are_claimed_by_who_received_them(mailbox):
    receive(mailbox, FakeInbox([message(1)]))
    row = InboundEmail.objects.get()
    assert (row.status, row.attempts) == (Status.PENDING, 1)
    assert row.next_attempt_at > timezone.now()


def test_what_is_kept_already_is_only_acknowledged(mailbox):
    receive(mailbox, FakeInbox([message(1)]))
    inbox = FakeInbox([message(1), message(2)])
    (rows,) = receive(mailbox, inbox)
    assert [row.source_id for row in rows] == ["1:2"]
    assert len(inbox.acknowledged) == 2
    assert InboundEmail.objects.count() == 2


def test_the_same_id_with_other_bytes_is_kept_beside_the_first(mailbox):
    for content in (b"a: 1\r\n\r\n", b"a: 2\r\n\r\n", b"a: 3\r\n\r\n", b"a: 2\r\n\r\n"):
        receive(mailbox, FakeInbox([message(1, content)]))
    assert {row.source_id: row.raw for row in InboundEmail.objects.all()} == {
        "1:1": b"a: 1\r\n\r\n",
        "1:1#2": b"a: 2\r\n\r\n",
        "1:1#3": b"a: 3\r\n\r\n",
    }


def test_after_new_ids_known_messages_are_known_by_their_bytes(mailbox):
    receive(mailbox, FakeInbox([message(1, b"a: 1\r\n\r\n")]))
    moved = [RawMessage("2:7", b"a: 1\r\n\r\n"), RawMessage("2:8", b"a: 2\r\n\r\n")]
    (rows,) = receive(mailbox, FakeInbox(moved, resynchronised=True))
    assert [row.source_id for row in rows] == ["2:8"]


def test_two_mailboxes_may_use_the_same_ids(mailbox):
    receive(mailbox, FakeInbox([message(1)]))
    receive(MailboxFactory(), FakeInbox([message(1)]))
    assert InboundEmail.objects.count() == 2


def test_a_failed_store_is_not_acknowledged(mailbox, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(type(InboundEmail.objects.all()), "bulk_create", refuse)
    inbox = FakeInbox([message(1)])
    with pytest.raises(OSError, match="disk full"):
        receive(mailbox, inbox)
    assert inbox.acknowledged == []


@pytest.mark.django_db(transaction=True)
def test_storing_inside_somebodys_transaction_is_refused(mailbox):
    """A rollback of theirs would lose what the server was told to forget."""
    inbox = FakeInbox([message(1)])
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        receive(mailbox, inbox)
    assert (inbox.acknowledged, InboundEmail.objects.count()) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_rows_of_several_mailboxes_are_stored_all_or_none(mailbox):
    other = MailboxFactory()
    receive(other, FakeInbox([message(2)]))
    with pytest.raises(IntegrityError):
        receiving.store_together(
            [(mailbox, [message(1)]), (other, [message(2)])], now=timezone.now()
        )
    assert InboundEmail.objects.filter(mailbox=mailbox).count() == 0


def test_one_stored_meanwhile_by_another_reader_is_passed_over(mailbox, monkeypatch):
    real, seen = receiving._sort_out, []

    def look_and_let_another_be_first(rows, *, moved):
        new = real(rows, moved=moved)
        if not seen:
            seen.append(new)
            receiving.new_row(mailbox, message(1), now=timezone.now(), claimed=True).save()
        return new

    monkeypatch.setattr(receiving, "_sort_out", look_and_let_another_be_first)
    (rows,) = receive(mailbox, FakeInbox([message(1), message(2)]))
    assert [row.source_id for row in rows] == ["1:2"]
    assert InboundEmail.objects.count() == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL; runs there as well")
def test_raw_messages_are_compressed_by_lz4():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attcompression FROM pg_attribute"
            " WHERE attrelid = 'incoming_email_messagecontent'::regclass AND attname = 'raw'"
        )
        assert cursor.fetchone() == ("l",)


def test_what_came_by_a_clock_that_was_set_back_waits_for_no_day(mailbox):
    """Its first task finds it not due; the sweep takes it up."""
    tomorrow = timezone.now() + timedelta(days=1)
    (row,) = receiving.store(mailbox, [message(1)], now=tomorrow, claimed=False)
    tasks.process_inbound_email(inbound_email_id=row.pk)
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.PENDING, 0)

    tasks.sweep_inbound_email()
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.REJECTED, 1)


def test_what_is_to_wait_goes_on_waiting(mailbox):
    """What a limit delays, and what is claimed."""
    now = timezone.now()
    rows = receiving.store(mailbox, [message(1), message(2)], now=now, claimed=True)
    InboundEmail.objects.filter(pk=rows[0].pk).update(attempts=0)
    tasks.sweep_inbound_email()
    assert [row.status for row in InboundEmail.objects.all()] == [Status.PENDING] * 2
