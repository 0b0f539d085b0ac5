"""One visit to a mailbox: what it leaves in the row, and when the next one is due."""

import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from incoming_email import free_space, tasks
from incoming_email.inboxes.base import InboxError, RawMessage
from incoming_email.inboxes.maildir import reader
from incoming_email.inboxes.maildir.reader import MaildirInbox
from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching, receiving
from issues.models import Note
from issues.stopping import Budget
from tests.doubles import FakeInbox
from tests.incoming_email.budgets import Countdown, count_processed
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DUE = timedelta(seconds=60)


def clock():
    return NOW


def stand_in(monkeypatch, inbox):
    """Every visit opens this inbox, or raises it."""

    @contextmanager
    def open_it(_account, **_options):
        if isinstance(inbox, InboxError):
            raise inbox
        yield inbox

    monkeypatch.setattr(fetching, "open_inbox", open_it)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "due"),
    [(InboxMethod.IMAP, None), (InboxMethod.MICROSOFT_GRAPH, NOW + timedelta(seconds=295))],
)
def test_a_poll_interval_is_kept_where_the_method_has_one(monkeypatch, method, due):
    stand_in(monkeypatch, FakeInbox())
    mailbox = MailboxFactory(inbox_method=method, poll_interval=300)

    assert fetching.fetch(mailbox, holder="test", clock=clock) == 0

    mailbox.refresh_from_db()
    assert mailbox.next_poll_at == due
    assert mailbox.last_success_at == NOW


@pytest.mark.django_db
def test_the_servers_notice_is_shown_until_the_server_takes_it_back(monkeypatch):
    mailbox, inbox = MailboxFactory(), FakeInbox()
    stand_in(monkeypatch, inbox)
    for inbox.notice in ("Quota: 95 % used", ""):
        fetching.fetch(mailbox, holder="test", clock=clock)
        mailbox.refresh_from_db()
        assert mailbox.server_notice == inbox.notice


@pytest.mark.django_db
def test_a_server_that_wants_a_pause_gets_it(monkeypatch):
    mailbox = MailboxFactory()
    fault = InboxError("too many requests", remedy="Wait.", retry_after=90)
    stand_in(monkeypatch, fault)

    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="test", clock=clock)

    mailbox.refresh_from_db()
    assert (mailbox.last_error, mailbox.failing_since) == ("too many requests Wait.", NOW)
    assert list(Mailbox.objects.to_poll(NOW + timedelta(seconds=89))) == []
    assert list(Mailbox.objects.to_poll(NOW + timedelta(seconds=90))) == [mailbox]


@pytest.mark.django_db
def test_a_failure_that_a_wrong_clock_saw_begin_in_the_future_begins_now(monkeypatch):
    mailbox = MailboxFactory(failing_since=NOW + timedelta(days=1))
    stand_in(monkeypatch, InboxError("refused", remedy="Wait."))
    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="test", clock=clock)
    mailbox.refresh_from_db()
    assert mailbox.failing_since == NOW


@pytest.mark.django_db
def test_while_a_disk_is_nearly_full_no_server_is_asked(monkeypatch, settings):
    settings.CHECK_DISK_MIN_BYTES = 10**18
    monkeypatch.setattr(fetching, "open_inbox", lambda *_, **__: pytest.fail("it was opened"))
    mailbox = MailboxFactory()

    with pytest.raises(receiving.NoSpaceError):
        fetching.fetch(mailbox, holder="test", clock=clock)

    mailbox.refresh_from_db()
    assert f"MB are free on the disk of {settings.DATA_DIR}" in mailbox.last_error
    assert (mailbox.failing_since, mailbox.lease_holder) == (NOW, "")
    assert list(Mailbox.objects.to_poll(NOW)) == [mailbox]


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_fills_up_ends_the_reading_before_the_next_batch(monkeypatch):
    inbox = FakeInbox(*[[RawMessage(f"1:{n}", b"Subject: x\r\n\r\n")] for n in range(3)])
    stand_in(monkeypatch, inbox)
    # Before the visit, and before each batch.
    answers = iter(["", "", "", "no space"])
    monkeypatch.setattr(free_space, "find_shortage", lambda: next(answers))

    with pytest.raises(receiving.NoSpaceError):
        fetching.fetch(MailboxFactory(), holder="test", clock=clock)

    assert inbox.acknowledged == [("1:0", True), ("1:1", True)]
    assert InboundEmail.objects.filter(attempts=0).count() == 0


@pytest.mark.django_db
def test_only_enabled_mailboxes_that_mail_is_fetched_from_are_polled():
    polled = [
        MailboxFactory(inbox_method=method)
        for method in (InboxMethod.IMAP, InboxMethod.MICROSOFT_GRAPH, InboxMethod.MAILDIR)
    ]
    MailboxFactory(inbox_method=InboxMethod.SMTP)
    MailboxFactory(enabled=False)

    assert list(Mailbox.objects.to_poll(NOW).order_by("pk")) == polled


@pytest.fixture
def world():
    return make_world(inbox_method=InboxMethod.IMAP)


@pytest.fixture
def maildir(world, tmp_path):
    """A Maildir mailbox for the keys of the world."""
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    Mailbox.objects.update(enabled=False)
    return MailboxFactory(
        inbox_method=InboxMethod.MAILDIR,
        maildir_path=str(tmp_path),
        address=world.mailbox.address,
        delete_after_delivery=False,
    )


def deliver(world, mailbox, name, *, at=NOW, mail=None):
    content = mail or make_mail(
        to=world.reply_address(), sender=world.member.email, body=f"Mail {name}."
    )
    path = os.path.join(mailbox.maildir_path, "new", name)  # noqa: PTH118
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(content)
    os.utime(path, (at.timestamp(), at.timestamp()))


@pytest.mark.django_db(transaction=True)
def test_mail_in_a_maildir_becomes_notes(world, maildir):
    deliver(world, maildir, "1.one.host")
    deliver(world, maildir, "2.two.host", at=NOW + DUE)

    assert fetching.fetch(maildir, holder="test") == 2
    assert fetching.fetch(maildir, holder="test") == 0

    bodies = world.issue.notes.order_by("pk").values_list("body", flat=True)
    assert list(bodies) == ["Mail 1.one.host.", "Mail 2.two.host."]


@pytest.mark.django_db(transaction=True)
def test_what_is_kept_already_is_not_filled_in_twice(world, maildir):
    deliver(world, maildir, "1.old.host", at=NOW - DUE)
    deliver(world, maildir, "2.new.host", at=NOW + DUE)
    maildir.starts_at = NOW
    maildir.save()
    assert fetching.fetch(maildir, holder="test") == 1
    position = Mailbox.objects.get(pk=maildir.pk).position

    since = NOW - timedelta(days=1)
    assert fetching.preview(maildir, since=since) == 2
    assert InboundEmail.objects.count() == 1
    assert fetching.backfill(maildir, since=since) == 1
    assert fetching.backfill(maildir, since=since) == 0

    assert Mailbox.objects.get(pk=maildir.pk).position == position
    assert InboundEmail.objects.filter(status=Status.PROCESSED).count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_task_that_fills_in_goes_on_where_its_time_was_over(world, maildir, monkeypatch):
    for number in range(8):
        mail = make_mail(to=world.issue_address(), sender=world.member.email)
        deliver(world, maildir, f"{number}.x.host", at=NOW + number * DUE, mail=mail)
    since, sent, read = NOW.isoformat(), [], []
    monkeypatch.setattr(tasks.backfill_mailbox, "delay", lambda **given: sent.append(given))
    real, split = MaildirInbox._read, reader.split_batches
    monkeypatch.setattr(
        reader, "split_batches", lambda *words, **_: split(*words, count=2, size=2**20)
    )
    monkeypatch.setattr(
        MaildirInbox, "_read", lambda *words: (read.append(words[1].name), real(*words))[1]
    )

    def run(until, **given):
        monkeypatch.setattr(Budget, "of_task", lambda: Countdown(until=until))
        tasks.backfill_mailbox(mailbox_id=maildir.pk, since=since, **given)
        assert count_processed() == min(until, 8)

    run(1)
    for until in (2, 5, 70):
        run(until, goes_on=sent[-1]["goes_on"])
    assert len(sent) == 3
    assert sorted(read) == sorted(set(read)), "none is read twice"


@pytest.mark.django_db(transaction=True)
def test_a_reader_that_dies_before_the_acknowledgement_stores_nothing_twice(
    world, maildir, monkeypatch
):
    deliver(world, maildir, "1.one.host")

    def die(*_):
        raise SystemExit

    monkeypatch.setattr("incoming_email.inboxes.maildir.reader.MaildirInbox.acknowledge", die)
    with pytest.raises(SystemExit):
        fetching.fetch(maildir, holder="first")
    monkeypatch.undo()

    assert fetching.fetch(maildir, holder="second") == 0
    assert InboundEmail.objects.count() == 1


@pytest.mark.django_db
def test_a_disabled_mailbox_is_not_visited(monkeypatch):
    stand_in(monkeypatch, FakeInbox([RawMessage("1:1", b"a: 1\r\n\r\n")]))
    assert fetching.fetch(MailboxFactory(enabled=False), holder="test", clock=clock) is None
    assert InboundEmail.objects.count() == 0


def batches_of(world, *sizes):
    """Batches of replies that all become notes."""
    to, sender, number = world.reply_address(), world.member.email, 0
    for size in sizes:
        batch = []
        for _ in range(size):
            number += 1
            content = make_mail(to=to, sender=sender, body=f"No. {number}")
            batch.append(RawMessage(f"1:{number}", content))
        yield batch


class Watched(FakeInbox):
    """Notes how many notes there are when the next batch is asked for; fails after the last."""

    fault = None

    def unread(self, _retries):
        self.notes = []
        for batch in self.batches:
            self.notes.append(Note.objects.count())
            yield batch
        self.notes.append(Note.objects.count())
        if self.fault:
            raise self.fault


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sizes", "notes"),
    [
        ((1, 1), [0, 1, 2]),
        ((fetching.MANY - 1, 1), [0, fetching.MANY - 1, fetching.MANY]),
        ((fetching.MANY, fetching.MANY, 1), [0, 0, fetching.MANY, 2 * fetching.MANY + 1]),
    ],
)
def test_the_next_batch_is_taken_in_first_where_many_wait(monkeypatch, sizes, notes):
    world = make_world(inbox_method=InboxMethod.IMAP)
    inbox = Watched(*batches_of(world, *sizes))
    stand_in(monkeypatch, inbox)
    assert fetching.fetch(world.mailbox, holder="test", clock=clock) == sum(sizes)
    assert inbox.notes == notes
    bodies = list(Note.objects.order_by("pk").values_list("body", flat=True))
    assert bodies == [f"No. {number}" for number in range(1, sum(sizes) + 1)]


@pytest.mark.django_db(transaction=True)
def test_what_was_taken_in_is_acted_on_though_the_next_batch_fails(monkeypatch):
    world = make_world(inbox_method=InboxMethod.IMAP)
    inbox = Watched(*batches_of(world, fetching.MANY))
    inbox.fault = InboxError("connection reset", remedy="Wait.")
    stand_in(monkeypatch, inbox)
    with pytest.raises(InboxError):
        fetching.fetch(world.mailbox, holder="test", clock=clock)
    assert Note.objects.count() == fetching.MANY
    assert not InboundEmail.objects.exclude(status=Status.PROCESSED).exists()


@pytest.mark.django_db
def test_a_mailbox_that_can_not_be_read_by_a_fault_of_ours_is_failing(monkeypatch):
    mailbox = MailboxFactory()
    stand_in(monkeypatch, FakeInbox([RawMessage("1:1", b"Subject: a\r\n\r\n")]))

    def fail(*_, **__):
        raise FileNotFoundError("pyproject.toml")

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "find_version", fail)
        with pytest.raises(FileNotFoundError):
            fetching.fetch(mailbox, holder="test", clock=clock)
    mailbox.refresh_from_db()
    assert (mailbox.failing_since, mailbox.lease_holder) == (NOW, "")
    assert mailbox.last_error.startswith(
        "Letterbox itself failed while it read the mailbox (FileNotFoundError)."
    )
    assert fetching.fetch(mailbox, holder="test", clock=clock) == 1
    mailbox.refresh_from_db()
    assert (mailbox.failing_since, mailbox.last_error) == (None, "")


@pytest.mark.django_db
def test_a_mailbox_that_another_one_reads_does_not_fail(monkeypatch):
    mailbox = MailboxFactory()
    stand_in(monkeypatch, FakeInbox())

    def lose(*_, **__):
        raise fetching.LeaseLostError

    monkeypatch.setattr(fetching, "ingest", lose)
    assert fetching.fetch(mailbox, holder="test", clock=clock) is None
    mailbox.refresh_from_db()
    assert mailbox.failing_since is None
