"""Limits on the mail of a desk: what is past them waits, in order; nothing is lost."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from issues import outbox, services
from issues.models import Note, OutgoingEmail, OutgoingState, Role
from issues.notifications import fan_out_owed
from servicedesk.limiting import find_use, plan_anew
from servicedesk.models import Participant, ServiceDesk
from servicedesk.participants import remove_participants, unsubscribe
from tests.factories import MembershipFactory, ProjectFactory
from tests.servicedesk.world import CUSTOMER, make_desk

pytestmark = pytest.mark.django_db(transaction=True)

NOW = dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def desk(settings):
    settings.DESK_MAILS_PER_HOUR, settings.DESK_MAILS_PER_DAY = 2, 0
    return make_desk()


def open_ticket(desk, sender=CUSTOMER):
    """One whose mails so far count for nothing here."""
    issue = desk.open_ticket(sender)
    OutgoingEmail.objects.all().delete()
    Note.objects.all().delete()
    return issue


def comment(desk, issue, *, at=NOW):
    services.create_note(item=issue, author=desk.agent, body="Hello")
    while fan_out_owed(now=at):
        pass


def outside():
    return OutgoingEmail.objects.filter(budget__isnull=False).order_by("pk")


def waits():
    """Minutes from NOW until each mail outside goes, or went."""
    times = [row.sent_at or row.next_attempt_at for row in outside()]
    return [(time - NOW) / MINUTE for time in times]


def deliver(*, at):
    """As deliver_due, on the second."""
    due = outside().due(at)
    due.update(state=OutgoingState.SENT, sent_at=at, attempts=1)


def bot_notes(issue):
    return list(issue.notes.filter(author__username="support-bot").order_by("pk"))


def test_what_is_past_the_limit_waits_until_the_first_leaves_the_hour(desk):
    issue = open_ticket(desk)
    for minute in (0, 10, 20, 30, 40):
        comment(desk, issue, at=NOW + minute * MINUTE)
        deliver(at=NOW + minute * MINUTE)
    assert waits() == [0, 10, 60, 70, 120]
    for minute in (59, 60, 65, 70, 119, 120):
        deliver(at=NOW + minute * MINUTE)
    assert [row.sent_at for row in outside()] == [
        NOW + minutes * MINUTE for minutes in (0, 10, 60, 70, 120)
    ]


def test_one_comment_may_go_out_in_parts(desk):
    issue = open_ticket(desk)
    for number in range(4):
        address = f"p{number}@customer.example"
        Participant.objects.create(ticket=issue.ticket, address=address, joined_at=NOW - DAY)
    comment(desk, issue)
    assert waits() == [0, 0, 60, 60, 120]


def test_the_limit_of_a_day(desk, settings):
    settings.DESK_MAILS_PER_HOUR, settings.DESK_MAILS_PER_DAY = 100, 3
    issue = open_ticket(desk)
    for hour in (0, 5, 10, 15, 16):
        comment(desk, issue, at=NOW + hour * HOUR)
        deliver(at=NOW + hour * HOUR)
    assert waits() == [hour * 60 for hour in (0, 5, 10, 24, 29)]
    assert "(100 an hour, 3 a day)" in bot_notes(issue)[0].body


def test_a_thank_you_counts_and_waits_too(desk):
    comment(desk, open_ticket(desk))
    before = outside().count()
    desk.open_ticket("dora@customer.example")
    last = desk.open_ticket("fred@customer.example")
    kinds = list(outside().values_list("kind", flat=True))[before:]
    assert kinds == ["desk_thank_you", "desk_thank_you"]
    assert [row.is_held for row in outside()] == [False, False, True]
    (note,) = bot_notes(last)
    assert "half of what this project's service desk may send (2 an hour)" in note.body
    assert "comments go before them" in note.body


def held(kind):
    return [row.is_held for row in outside() if row.kind == kind]


def test_thank_yous_leave_half_of_the_limit_to_comments(desk, settings):
    settings.DESK_MAILS_PER_HOUR = 6
    issue = open_ticket(desk)
    for number in range(5):
        desk.open_ticket(f"p{number}@customer.example")
    assert held("desk_thank_you") == [False] * 3 + [True] * 2
    for _number in range(4):
        comment(desk, issue, at=timezone.now())
    assert held("desk_note") == [False] * 3 + [True]


def test_comments_go_before_thank_yous_that_wait(desk, settings):
    settings.DESK_MAILS_PER_HOUR = 4
    issue = open_ticket(desk)
    for number in range(6):
        desk.open_ticket(f"p{number}@customer.example")
    assert held("desk_thank_you") == [False] * 2 + [True] * 4
    for _number in range(4):
        comment(desk, issue, at=timezone.now())
    assert held("desk_note") == [False] * 2 + [True] * 2
    waiting = outside().filter(state=OutgoingState.PENDING).order_by("next_attempt_at", "pk")
    kinds = [row.kind for row in waiting if row.is_held]
    assert kinds == ["desk_note"] * 2 + ["desk_thank_you"] * 4
    assert plan_anew(now=timezone.now()) == 0, "that is the plan"


def test_no_hour_has_more_than_its_limit_and_automatic_mail_no_more_than_half(desk, settings):
    settings.DESK_MAILS_PER_HOUR = 4
    issue = open_ticket(desk)
    for number in range(5):
        desk.open_ticket(f"p{number}@customer.example")
        comment(desk, issue, at=timezone.now())
    times = [(row.next_attempt_at, row.kind) for row in outside()]
    for start, _kind in times:
        kinds = [kind for time, kind in times if start <= time < start + HOUR]
        assert len(kinds) <= 4
        assert kinds.count("desk_thank_you") <= 2


def test_each_project_has_its_own_limit(desk):
    project = ProjectFactory()
    other = replace(
        desk,
        settings=ServiceDesk.objects.create(project=project, enabled=True),
        agent=MembershipFactory(project=project, role=Role.DEVELOPER).user,
    )
    issue, theirs = open_ticket(desk), open_ticket(other)
    for _number in range(3):
        comment(desk, issue)
    comment(other, theirs)
    assert waits() == [0, 0, 60, 0]


def test_one_internal_note_a_spell_and_ticket(desk):
    issue, other = open_ticket(desk), open_ticket(desk, "dora@customer.example")
    for _number in range(5):
        comment(desk, issue)
    (note,) = bot_notes(issue)
    assert note.internal
    assert note.body == (
        "Mail to external participants is held back: the limit of this project's service desk is"
        " used up"
        " (2 an hour). Mails of this ticket that wait: 1. They go out by themselves, the last at"
        " 2026-05-06 08:08 UTC. What is written until then waits behind them."
    )
    comment(desk, other)
    assert len(bot_notes(other)) == 1
    for hour in (0, 1, 2, 3):
        deliver(at=NOW + hour * HOUR)
    comment(desk, issue, at=NOW + 5 * HOUR)
    assert len(bot_notes(issue)) == 1
    for _number in range(3):
        comment(desk, issue, at=NOW + 5 * HOUR)
    assert len(bot_notes(issue)) == 2


def test_the_note_reaches_nobody_outside(desk):
    issue = open_ticket(desk)
    for _number in range(3):
        comment(desk, issue)
    assert outside().count() == 3
    assert bot_notes(issue)


@pytest.mark.parametrize(
    ("limit", "minutes"), [(0, [0, 0, 5, 5, 5, 5]), (3, [0, 0, 5, 60, 60, 65]), (1, None)]
)
def test_after_a_change_of_the_limit_waiting_mail_is_planned_anew(desk, settings, limit, minutes):
    issue = open_ticket(desk)
    for _number in range(5):
        comment(desk, issue)
    deliver(at=NOW)
    assert waits() == [0, 0, 60, 60, 120]
    settings.DESK_MAILS_PER_HOUR = limit
    plan_anew(now=NOW + 5 * MINUTE)
    comment(desk, issue, at=NOW + 5 * MINUTE)
    assert waits() == (minutes or [0, 0, 60, 120, 180, 240])


def test_without_a_limit_a_new_mail_does_not_overtake(desk, settings):
    issue = open_ticket(desk)
    for _number in range(3):
        comment(desk, issue)
    settings.DESK_MAILS_PER_HOUR = 0
    comment(desk, issue, at=NOW + MINUTE)
    assert waits() == [0, 0, 60, 60]
    assert plan_anew(now=NOW + 2 * MINUTE) == 2
    assert waits() == [0, 0, 2, 2]
    assert plan_anew(now=NOW + 2 * MINUTE) == 0


def test_what_failed_for_good_leaves_its_room(desk):
    issue = open_ticket(desk)
    for _number in range(3):
        comment(desk, issue)
    first = outside().first()
    OutgoingEmail.objects.filter(pk=first.pk).update(state=OutgoingState.FAILED)
    plan_anew(now=NOW + MINUTE)
    assert waits()[2] == 1


def test_the_real_outbox_sends_held_mail_in_its_turn(desk, mailoutbox):
    issue = open_ticket(desk)
    for _number in range(3):
        comment(desk, issue)
    assert outbox.deliver_due(now=NOW) > 0
    to_customer = [m for m in mailoutbox if m.to == [CUSTOMER]]
    assert len(to_customer) == 2
    outbox.deliver_due(now=NOW + HOUR)
    assert len([m for m in mailoutbox if m.to == [CUSTOMER]]) == 3


@pytest.mark.parametrize("leave", ["unsubscribe", "removal"])
def test_who_leaves_does_not_get_what_still_waits(desk, leave):
    issue = open_ticket(desk)
    ann = Participant.objects.create(
        ticket=issue.ticket, address="ann@x.example", joined_at=NOW - DAY
    )
    for _number in range(2):
        comment(desk, issue)
    assert list(outside().values_list("recipient", flat=True)) == [CUSTOMER, ann.address] * 2
    if leave == "unsubscribe":
        unsubscribe(ann, now=NOW)
    else:
        remove_participants(issue.ticket, [ann.address])
    assert list(outside().values_list("recipient", flat=True)) == [CUSTOMER, ann.address, CUSTOMER]


def test_room_costs_one_query_however_many_mails_there_were(desk, settings):
    settings.DESK_MAILS_PER_HOUR = 1000
    issue = open_ticket(desk)

    def count_queries():
        services.create_note(item=issue, author=desk.agent, body="Hello")
        with CaptureQueriesContext(connection) as queries:
            fan_out_owed(now=NOW)
        return len(queries), sum("mail_time" in q["sql"] or "in_hour" in q["sql"] for q in queries)

    count_queries()
    first = count_queries()
    for _number in range(10):
        count_queries()
    assert count_queries() == first
    assert first[1] == 1


def test_the_pages_show_what_waits(desk, client):
    issue = open_ticket(desk)
    for _number in range(3):
        comment(desk, issue)
    client.force_login(desk.agent)
    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid])).text
    assert page.count("held back until") == 1
    assert 'datetime="2026-05-06T08:08:09+00:00"' in page

    use = find_use(desk.project.pk, now=NOW)
    assert (use.in_hour, use.in_day, use.held, use.held_until) == (2, 2, 1, NOW + HOUR)
    later = find_use(desk.project.pk, now=NOW + HOUR)
    assert (later.in_hour, later.in_day, later.held) == (1, 3, 0)


def test_the_settings_page_shows_the_use_of_today(desk, client):
    desk.open_ticket()
    desk.open_ticket("dora@customer.example")
    desk.open_ticket("emil@customer.example")
    client.force_login(MembershipFactory(project=desk.project, role=Role.MAINTAINER).user)
    page = client.get(reverse("desk-settings", args=[desk.project.path])).text
    assert "Last hour: <strong>1</strong> of at most 2" in page
    assert "Last 24 hours: <strong>1</strong></p>" in page
    assert "Held back: <strong>2</strong>" in page
