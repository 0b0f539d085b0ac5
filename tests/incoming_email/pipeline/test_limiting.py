"""What is past a limit waits its turn: delayed, never lost, never ignored, never counted twice."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email.inboxes.base import Answer, RawMessage
from incoming_email.models import InboundEmail
from incoming_email.monitoring.health.installation import find_ledger
from incoming_email.outcomes import Status
from incoming_email.pipeline import acting, processing, receiving, reviewing
from incoming_email.pipeline.attempts import write_ends
from issues.models import Issue, Note
from tests.factories import EmailAddressFactory, MembershipFactory, UserFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _no_limits(settings):
    settings.SENDER_LIMIT_PER_HOUR = 0
    settings.TOKEN_LIMIT_PER_HOUR = 0
    settings.PROJECT_LIMIT_PER_HOUR = 0


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def guest():
    """Has an account, and is no member of the project."""
    return UserFactory()


def receive(world, *contents, at=NOW):
    messages = [RawMessage(f"{at}:{n}", content) for n, content in enumerate(contents)]
    rows = receiving.store(world.mailbox, messages, now=at, claimed=True)
    processing.process_claimed(rows, clock=lambda: at)
    return [InboundEmail.objects.get(pk=row.pk) for row in rows]


def replies(world, guest, count):
    address = world.reply_address(guest)
    return [make_mail(to=address, sender=guest.email, body=f"No. {n}") for n in range(count)]


def statuses(rows):
    return [row.status for row in rows]


def test_what_is_past_the_senders_limit_waits_and_is_acted_on_an_hour_later(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 2
    rows = receive(world, *replies(world, guest, 3))
    assert statuses(rows) == [Status.PROCESSED, Status.PROCESSED, Status.PENDING]
    late = rows[2]
    assert (late.attempts, late.next_attempt_at, late.last_error) == (0, NOW + HOUR, "")
    assert late.trace[-1]["result"] == "delayed"
    assert late.trace[-1]["because"].startswith("SENDER_LIMIT_PER_HOUR is 2, until ")
    assert (late.sender, late.project, late.counted_at) == (guest.email, world.issue.project, None)

    assert processing.process(late.pk, clock=lambda: NOW + 59 * MINUTE) is False
    assert processing.process(late.pk, clock=lambda: NOW + HOUR) is True
    late.refresh_from_db()
    assert (late.status, late.attempts) == (Status.PROCESSED, 1)
    assert Note.objects.count() == 3


def test_what_came_while_the_clock_was_ahead_uses_up_no_limit(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 2
    receive(world, *replies(world, guest, 2), at=NOW + 24 * HOUR)
    (address, body) = world.reply_address(guest), "Now the clock is right."
    rows = receive(world, make_mail(to=address, sender=guest.email, body=body))
    assert statuses(rows) == [Status.PROCESSED]


def test_the_limit_of_a_token_holds_whoever_uses_it(world, settings):
    settings.TOKEN_LIMIT_PER_HOUR = 1
    address = world.issue_address()
    mails = [make_mail(to=address, sender=f"s{n}@example.org") for n in range(2)]
    other = make_mail(to=world.issue_address(UserFactory()), sender="s1@example.org")
    assert statuses(receive(world, *mails, other)) == ["processed", "pending", "processed"]
    assert Issue.objects.filter(project=world.issue.project).count() == 3


def test_the_limit_of_a_project_holds_whoever_writes_by_whatever_key(world, settings):
    settings.PROJECT_LIMIT_PER_HOUR = 2
    people = UserFactory.create_batch(3)
    mails = [
        make_mail(to=world.reply_address(people[0]), sender=people[0].email),
        make_mail(to=world.reply_address(people[1]), sender=people[1].email),
        make_mail(to=world.issue_address(people[2]), sender=people[2].email),
    ]
    rows = receive(world, *mails)
    assert statuses(rows) == ["processed", "processed", "pending"]
    assert rows[2].trace[-1]["because"].startswith("PROJECT_LIMIT_PER_HOUR")


@pytest.mark.parametrize("sender", [CUSTOMER, "spam{}@evil.example"])
def test_mail_of_strangers_delays_nobody_who_has_a_key(settings, sender):
    """Neither what fills the project's hour, nor what says to be of the person themselves."""
    desk = make_desk()
    desk.open_ticket()
    (thanks,) = sent_to(CUSTOMER)
    settings.SENDER_LIMIT_PER_HOUR = settings.PROJECT_LIMIT_PER_HOUR = 2
    spam = [desk.write(sender.format(number)) for number in range(8)]
    assert statuses(spam).count(Status.PENDING) >= 6
    assert desk.receive(answer(thanks, body="It squeaks.")).status == Status.PROCESSED
    assert Note.objects.filter(body="It squeaks.").exists()

    more = [desk.receive(answer(thanks, body=f"No. {number}")) for number in range(2)]
    assert statuses(more) == [Status.PROCESSED, Status.PENDING], "of its own it has a limit too"
    stranger = desk.write("ada@other.example")
    assert stranger.trace[-1]["because"].startswith("PROJECT_LIMIT_PER_HOUR is 2")


def test_who_has_a_key_delays_nobody_else_by_their_address_in_from(settings):
    desk = make_desk()
    desk.open_ticket()
    desk.open_ticket(sender="eve@evil.example")
    (thanks,), (eves,) = sent_to(CUSTOMER), sent_to("eve@evil.example")
    settings.SENDER_LIMIT_PER_HOUR = settings.TOKEN_LIMIT_PER_HOUR = 2
    forged = [desk.receive(answer(eves, sender=CUSTOMER, body=f"No. {n}")) for n in range(3)]
    assert statuses(forged) == [Status.HELD, Status.HELD, Status.PENDING]
    assert forged[2].trace[-1]["because"].startswith("TOKEN_LIMIT_PER_HOUR")
    assert desk.receive(answer(thanks, body="It squeaks.")).status == Status.PROCESSED


@pytest.fixture
def tight(settings):
    settings.SENDER_LIMIT_PER_HOUR = settings.TOKEN_LIMIT_PER_HOUR = 1
    settings.PROJECT_LIMIT_PER_HOUR = 1


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("kind", ["reply_address", "issue_address"])
def test_members_have_no_limit_and_use_up_nobodys(world, guest, kind):
    address = getattr(world, kind)()
    mails = [make_mail(to=address, sender=world.member.email) for _ in range(3)]
    assert statuses(receive(world, *mails)) == ["processed"] * 3
    assert statuses(receive(world, *replies(world, guest, 1))) == ["processed"]
    assert InboundEmail.objects.exclude(counted_at=None).count() == 1


@pytest.mark.usefixtures("tight")
def test_a_proven_member_by_another_key_has_no_limit_an_unverified_address_has(guest):
    world = make_world(trusted_authserv_id="mx.example.net")
    colleague = MembershipFactory(project=world.issue.project).user
    unverified = EmailAddressFactory(user=colleague, verified=False).email
    proven = {"Authentication_Results": "mx.example.net; dmarc=pass"}
    address = world.issue_address(guest)
    mails = [make_mail(to=address, sender=colleague.email, **proven) for _ in range(2)]
    assert statuses(receive(world, *mails)) == ["processed"] * 2
    mails = [make_mail(to=address, sender=unverified, **proven) for _ in range(2)]
    assert statuses(receive(world, *mails)) == ["processed", "pending"]


@pytest.mark.usefixtures("tight")
def test_who_writes_the_address_of_a_member_into_from_has_the_limits_of_strangers(world, guest):
    colleague = MembershipFactory(project=world.issue.project).user
    address = world.issue_address(guest)
    mails = [make_mail(to=address, sender=colleague.email) for _ in range(2)]
    assert statuses(receive(world, *mails)) == ["processed", "pending"]


@pytest.mark.usefixtures("tight")
def test_a_sender_has_one_limit_however_the_domain_is_written(world, guest, settings):
    settings.TOKEN_LIMIT_PER_HOUR = settings.PROJECT_LIMIT_PER_HOUR = 0
    address = world.issue_address(guest)
    senders = ("r@bücher.example", "r@xn--bcher-kva.example", "r@strasse.example")
    rows = receive(world, *(make_mail(to=address, sender=sender) for sender in senders))
    assert statuses(rows) == ["processed", "pending", "processed"]


@pytest.mark.usefixtures("tight")
def test_so_has_who_writes_to_a_desk():
    desk = make_desk()
    rows = [desk.write(sender=CUSTOMER) for _ in range(2)]
    assert statuses(rows) == ["processed", "pending"]
    assert statuses([desk.write(sender=desk.agent.email, **PROVEN)]) == ["processed"]


def test_zero_is_no_limit(world, guest):
    assert statuses(receive(world, *replies(world, guest, 5))) == ["processed"] * 5


def test_a_members_reply_costs_no_query_for_the_limits(world, settings):
    def cost(limit):
        settings.SENDER_LIMIT_PER_HOUR = limit
        mail = make_mail(to=world.reply_address(), sender=world.member.email)
        with CaptureQueriesContext(connection) as queries:
            receive(world, mail, at=NOW + limit * MINUTE)
        return len(queries)

    assert cost(1) == cost(0)


def test_many_that_wait_have_their_turn_in_order_with_two_looks_each(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 3
    rows = receive(world, *replies(world, guest, 15))
    looks = 0
    for hour in range(1, 6):
        at = NOW + hour * HOUR
        for pk in processing.due_ids(now=at + 2 * MINUTE):
            looks += processing.process(pk, clock=lambda at=at: at)
    assert InboundEmail.objects.filter(status=Status.PROCESSED).count() == 15
    assert looks == 12
    bodies = list(Note.objects.order_by("pk").values_list("body", flat=True))
    assert bodies == [f"No. {n}" for n in range(len(rows))]


def test_a_turn_comes_as_each_earlier_message_leaves_the_hour(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 2
    first, second, third, fourth = replies(world, guest, 4)
    receive(world, first)
    receive(world, second, at=NOW + 20 * MINUTE)
    late = receive(world, third, fourth, at=NOW + 30 * MINUTE)
    assert [row.next_attempt_at - NOW for row in late] == [HOUR, HOUR + 20 * MINUTE]


def test_a_copy_is_not_counted(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 2
    mail, other = replies(world, guest, 2)
    rows = receive(world, mail, mail, other)
    assert [row.reason or row.status for row in rows] == ["processed", "duplicate", "processed"]


@pytest.mark.usefixtures("tight")
def test_what_a_person_releases_is_not_limited_again(world):
    address = world.reply_address()
    mail, other = [make_mail(to=address, sender="mallory@example.org") for _ in range(2)]
    held, late = receive(world, mail, other)
    assert statuses([held, late]) == ["held", "pending"]
    reviewing.release([held.pk], now=NOW + MINUTE)
    processing.process(held.pk, clock=lambda: NOW + MINUTE)
    held.refresh_from_db()
    assert held.status == Status.PROCESSED


def test_the_delay_of_many_uses_up_no_attempts(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 1
    settings.MAX_ATTEMPTS = 1
    _, late = receive(world, *replies(world, guest, 2))
    for _ in range(3):
        InboundEmail.objects.update(next_attempt_at=NOW)
        assert processing.process(late.pk, clock=lambda: NOW + MINUTE)
    assert processing.give_up_exhausted(now=NOW + 2 * HOUR) == 0
    late.refresh_from_db()
    assert (late.status, late.attempts) == (Status.PENDING, 0)


def test_killed_before_it_is_postponed_it_is_looked_at_again(world, guest, settings, monkeypatch):
    settings.SENDER_LIMIT_PER_HOUR = 1
    mails = replies(world, guest, 2)

    def die_at_a_delay(ends, **more):
        if any(end.until for _row, end in ends):
            raise KeyboardInterrupt
        write_ends(ends, **more)

    with monkeypatch.context() as patch:
        patch.setattr(acting, "write_ends", die_at_a_delay)
        with pytest.raises(KeyboardInterrupt):
            receive(world, *mails)
    late = InboundEmail.objects.get(status=Status.PENDING)
    assert processing.process(late.pk, clock=lambda: NOW + 2 * HOUR)
    assert Note.objects.count() == 2


def test_what_waits_for_its_turn_is_no_old_message_to_the_check(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 1
    receive(world, *replies(world, guest, 2))
    late = find_ledger(now=NOW + 40 * MINUTE)[0]
    assert (late.step, late.answer) == ("oldest pending", Answer.YES)
    # Its turn has come, and nobody has tried it since.
    assert find_ledger(now=NOW + 100 * MINUTE)[0].answer is Answer.NO


def test_a_dry_run_says_that_it_would_wait(world, guest, settings):
    settings.SENDER_LIMIT_PER_HOUR = 1
    mail, other = replies(world, guest, 2)
    receive(world, mail)
    row = receiving.new_row(world.mailbox, RawMessage("1", other), now=NOW, claimed=True)
    end = processing.try_out(row, now=NOW)
    assert (end.status, end.outcome, end.trace[-1]["step"]) == ("pending", "", "limit")
