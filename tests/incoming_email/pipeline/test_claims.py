"""What a process has claimed and does not get to is due again at once, and costs no attempt."""

import errno
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email import tasks
from incoming_email.inboxes.base import InboxError, RawMessage
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.monitoring import figures
from incoming_email.outcomes import Status
from incoming_email.parsing.message import parse
from incoming_email.pipeline import acting, claims, fetching, processing, receiving
from incoming_email.smtp import listener
from issues import stopping
from issues.stopping import Budget
from servicedesk.models import ServiceDesk
from tests.doubles import FakeInbox
from tests.incoming_email.budgets import Countdown, count_processed
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 25


@pytest.fixture
def world():
    return make_world()


def make_messages(world, count=COUNT):
    to, sender = world.issue_address(), world.member.email
    return [
        RawMessage(f"1:{n}", make_mail(to=to, sender=sender, subject=f"Number {n}"))
        for n in range(count)
    ]


def find_due():
    """Rows that the next sweep takes, and rows that wait for the end of a claim."""
    now = timezone.now()
    due = processing.due_ids(now=now)
    return len(due), InboundEmail.objects.filter(status=Status.PENDING).exclude(pk__in=due).count()


@pytest.fixture
def decided(monkeypatch):
    """Source ids of the messages that were decided about, as a list that grows."""
    found, decide = [], acting.decide

    def decide_and_note(attempt):
        found.append(attempt.row.source_id)
        return decide(attempt)

    monkeypatch.setattr(acting, "decide", decide_and_note)
    return found


@pytest.fixture
def stop_after(monkeypatch, decided):
    """The process is told to stop once it has looked at so many messages."""

    def stop(number):
        monkeypatch.setattr(stopping, "is_requested", lambda: len(decided) >= number)

    return stop


@contextmanager
def opened(inbox):
    yield inbox


@pytest.fixture
def inbox(monkeypatch, world):
    messages = make_messages(world)
    inbox = FakeInbox(messages[:10], messages[10:20], messages[20:])
    Mailbox.objects.update(inbox_method="maildir", maildir_path="/none")
    world.mailbox.refresh_from_db()
    monkeypatch.setattr(fetching, "open_inbox", lambda *_args, **_options: opened(inbox))
    return inbox


@pytest.mark.parametrize("number", [0, 1, 7])
def test_what_is_left_at_a_stop_is_given_back(world, stop_after, number):
    rows = receiving.store(world.mailbox, make_messages(world), now=timezone.now(), claimed=True)
    stop_after(number)
    processing.process_claimed(rows, clock=timezone.now)
    assert count_processed() == number
    assert find_due() == (COUNT - number, 0)
    waiting = InboundEmail.objects.filter(status=Status.PENDING)
    assert not waiting.exclude(attempts=0).exists()


def test_what_an_exit_interrupts_is_given_back(world, monkeypatch):
    rows = receiving.store(
        world.mailbox, make_messages(world, 3), now=timezone.now(), claimed=False
    )

    def leave(*_args, **_options):
        raise SystemExit

    monkeypatch.setattr(acting, "decide", leave)
    with pytest.raises(SystemExit):
        processing.process(rows[0].pk)
    rows[0].refresh_from_db()
    assert rows[0].attempts == 0
    assert rows[0].next_attempt_at < timezone.now()
    assert not claims.is_any_held()


def test_a_fault_of_the_message_is_no_stop(world, monkeypatch):
    (row,) = receiving.store(
        world.mailbox, make_messages(world, 1), now=timezone.now(), claimed=True
    )

    def fail(*_args, **_options):
        raise ValueError

    monkeypatch.setattr(acting, "decide", fail)
    with claims.held([row]):
        processing.process_claimed([row], clock=timezone.now)
    assert claims.give_back([row]) == 1, "nothing but the claim was written"
    assert claims.give_back([row]) == 0


def test_a_claim_of_another_worker_is_not_taken_back(world):
    (row,) = receiving.store(
        world.mailbox, make_messages(world, 1), now=timezone.now(), claimed=True
    )
    InboundEmail.objects.update(next_attempt_at=timezone.now())
    assert InboundEmail.objects.claim(row.pk, now=timezone.now())
    assert claims.give_back([row]) == 0


def fail_by(fault):
    def decide(_attempt):
        raise fault

    return decide


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "no space left")])
def test_what_a_process_left_whose_clock_was_a_day_ahead_is_taken_up(world, monkeypatch, fault):
    """A claim of one that died, or the pause after a fault of ours."""
    tomorrow = timezone.now() + timedelta(days=1)
    (row,) = receiving.store(
        world.mailbox, make_messages(world, 1), now=timezone.now(), claimed=False
    )
    monkeypatch.setattr(acting, "decide", fail_by(fault))
    monkeypatch.setattr(claims, "give_back", lambda _rows: 0)  # it died
    with suppress(KeyboardInterrupt):
        processing.process(row.pk, clock=lambda: tomorrow)
    assert find_due() == (0, 1)
    monkeypatch.undo()

    tasks.sweep_inbound_email()

    assert count_processed() == 1


def test_a_claim_and_a_limit_of_now_are_kept(world):
    now = timezone.now()
    receiving.store(world.mailbox, make_messages(world, 2), now=now, claimed=True)
    waits = InboundEmail.objects.order_by("pk")[:1]
    InboundEmail.objects.filter(pk__in=waits).update(
        attempts=0, next_attempt_at=now + timedelta(hours=5)
    )
    assert processing.take_up_future(now=now - timedelta(seconds=30)) == 0


def test_what_a_thread_still_holds_is_given_back_at_the_end(world):
    rows = receiving.store(world.mailbox, make_messages(world, 3), now=timezone.now(), claimed=True)
    with claims.held(rows):
        assert claims.give_back_all() == 3
    assert find_due() == (3, 0)


def test_a_batch_that_the_server_does_not_let_us_acknowledge_is_processed(world, inbox):
    """It is stored: nothing waits for its claim to expire, and it is known when it comes again."""

    def fail(_messages):
        raise InboxError("gone")

    inbox.acknowledge = fail
    with pytest.raises(InboxError):
        fetching.fetch(world.mailbox, holder="test")
    assert count_processed() == InboundEmail.objects.count() > 0


def test_a_poll_ends_between_messages_and_the_next_goes_on(world, inbox, monkeypatch):
    sent, stored = [], []
    monkeypatch.setattr(tasks.poll_mailbox, "apply_async", lambda **o: sent.append(o))
    for until in (4, 7, 14):
        monkeypatch.setattr(Budget, "of_task", lambda: Countdown(until=until))  # noqa: B023
        tasks.poll_mailbox(mailbox_id=world.mailbox.pk)
        assert count_processed() == until
        assert find_due() == (InboundEmail.objects.count() - until, 0), "no claim is left"
        stored.append(InboundEmail.objects.count())
        # As a server gives what is not marked yet.
        inbox.batches = [
            batch for batch in inbox.batches if (batch[0].source_id, True) not in inbox.acknowledged
        ]

    assert stored == [10, 10, 20], "what is stored already goes before what is not"
    assert sent == [{"kwargs": {"mailbox_id": world.mailbox.pk}, "expires": 60}] * 3
    assert list(Mailbox.objects.to_poll(timezone.now())) == [], "beat starts no second one"


def test_reading_and_looking_up_use_up_the_budget(world, monkeypatch):
    """None of 50 messages that each take a minute may keep the other mailboxes waiting."""
    rows = receiving.store(world.mailbox, make_messages(world), now=timezone.now(), claimed=True)
    read = []

    def parse_all(texts):
        for text in texts:
            read.append(text)
            yield parse(text.content)

    class Reading(Budget):
        def is_over(self):
            return len(read) > 3

    monkeypatch.setattr(processing, "parse_all", parse_all)
    processing.process_claimed(rows, clock=timezone.now, budget=Reading())
    assert (len(read), find_due()) == (4, (COUNT, 0))


def test_answers_to_our_mails_go_before_mail_of_strangers(world, decided):
    desk = world.mailbox.template.address_for("acme-shop-1-issue-")
    mails = [make_mail(to=desk, sender=f"{n}@example.com") for n in range(5)]
    answers = [make_mail(to=world.reply_address(), sender=world.member.email) for _ in range(2)]
    messages = [RawMessage(f"1:{n}", content) for n, content in enumerate([*mails, *answers])]
    rows = receiving.store(world.mailbox, messages, now=timezone.now(), claimed=True)
    processing.process_claimed(rows, clock=timezone.now)
    assert decided == [f"1:{n}" for n in (5, 6, 0, 1, 2, 3, 4)]


def test_messages_that_are_known_use_up_no_budget(world, inbox):
    """Or a mailbox whose first messages can't be marked would never be read further."""
    fetching.fetch(world.mailbox, holder="test", budget=Budget.of(0))
    assert fetching.fetch(world.mailbox, holder="test", budget=Budget.of(0))


def test_a_sweep_ends_in_time(world):
    rows = receiving.store(
        world.mailbox, make_messages(world, 3), now=timezone.now(), claimed=False
    )
    assert processing.process_each([row.pk for row in rows], budget=Budget.of(0)) == 0
    assert processing.process_each([row.pk for row in rows], budget=Budget.of(60)) == 3


def test_mail_to_a_secret_key_goes_before_mail_of_strangers(world):
    """Its own task waits behind those of all that came before."""
    project = world.issue.project
    ServiceDesk.objects.create(project=project, enabled=True)
    desk = world.mailbox.template.address_for(f"{project.slug}-{project.pk}-issue-")
    spam = [
        listener.store(make_mail(to=desk, sender=f"{n}@example.com"), [desk], "")[0]
        for n in range(5)
    ]
    reply = world.reply_address()
    (urgent,) = listener.store(make_mail(to=reply, sender=world.member.email), [reply], "")

    assert processing.due_ids(now=timezone.now()) == [urgent], "the others have a task queued"
    tasks.process_inbound_email(inbound_email_id=spam[0])

    done = InboundEmail.objects.exclude(status=Status.PENDING).values_list("pk", flat=True)
    assert set(done) == {urgent, spam[0]}
    assert figures.find_overdue(now=timezone.now()) is None


def test_no_head_start_makes_a_row_overdue(world):
    reply = world.reply_address()
    listener.store(make_mail(to=reply, sender=world.member.email), [reply], "")
    assert figures.find_overdue(now=timezone.now()) is None
