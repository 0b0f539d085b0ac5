"""A ticket rests until a day, or until its customer writes."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Role
from servicedesk.merging import merge_ticket
from servicedesk.models import Ticket
from tests.factories import IssueFactory, MembershipFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.timedelta(days=1)


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def issue(desk):
    return desk.open_ticket(**PROVEN)


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def waiting(client, desk):
    client.force_login(desk.agent)
    listed = client.get(reverse("ticket-list", args=[desk.project.path]) + "?state=waiting")
    return [ticket.issue for ticket in listed.context["tickets"]]


def ticket_of(issue):
    return Ticket.objects.get(pk=issue.pk)


def test_it_waits_again_from_that_day_on(client, desk, issue):
    today = timezone.localdate()
    assert waiting(client, desk) == [issue]
    assert write(issue, desk.agent, "/snooze tomorrow").refused == ()
    assert ticket_of(issue).snoozed_until == today + DAY
    assert issue.notes.get().body == f"snoozed this until {today + DAY}"
    assert waiting(client, desk) == []
    page = reverse("issue-detail", args=[desk.project.path, issue.iid])
    assert "Snoozed until" in client.get(page).text
    Ticket.objects.update(snoozed_until=today)
    assert waiting(client, desk) == [issue]
    assert "Snoozed until" not in client.get(page).text


def test_a_customer_who_writes_ends_it(client, desk, issue):
    (thank_you,) = sent_to(CUSTOMER)
    write(issue, desk.agent, "/snooze next week")
    desk.receive(answer(thank_you, body="Any news?"))
    assert ticket_of(issue).snoozed_until is None
    assert waiting(client, desk) == [issue]


def test_so_does_a_member(client, desk, issue):
    write(issue, desk.agent, "/snooze tomorrow")
    assert write(issue, desk.agent, "/unsnooze\n/unsnooze").refused == ()
    assert issue.notes.filter(body="ended the snoozing").count() == 1
    assert waiting(client, desk) == [issue]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/snooze today", "Choose a day after today."),
        ("/snooze 2020-01-01", "Choose a day after today."),
    ],
)
def test_a_day_that_is_over_is_refused(desk, issue, command, why):
    (refusal,) = write(issue, desk.agent, command).refused
    assert refusal.why == why
    assert ticket_of(issue).snoozed_until is None


def test_a_day_that_does_not_exist_is_not_mailed_to_the_customer(desk, issue):
    with pytest.raises(services.Invalid, match="/snooze tomorrow"):
        write(issue, desk.agent, "/snooze 2027-02-30")
    assert ticket_of(issue).snoozed_until is None


def test_it_takes_a_ticket_and_a_reporter(desk, issue):
    plain = IssueFactory(project=desk.project)
    for command in ("/snooze tomorrow", "/unsnooze"):
        (refusal,) = write(plain, desk.agent, command).refused
        assert refusal.why.startswith("This is no ticket.")
    issue.confidential = False
    issue.save()
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    (refusal,) = write(issue, guest, "/snooze tomorrow").refused
    assert refusal.why.startswith("Your role in the project does not include this.")


def test_by_the_form_on_the_page(client, desk, issue):
    client.force_login(desk.agent)
    url = reverse("ticket-snooze", args=[desk.project.path, issue.iid])
    day = timezone.localdate() + 3 * DAY
    for given, after in ((str(day), day), ("nonsense", day), ("2020-01-01", day), ("", None)):
        client.post(url, {"until": given})
        assert ticket_of(issue).snoozed_until == after, given


@pytest.mark.parametrize(("is_snoozed", "after"), [(False, None), (True, 1)])
def test_a_request_that_waits_wakes_the_ticket_it_is_merged_into(desk, issue, is_snoozed, after):
    other = desk.open_ticket("dora@customer.example")
    write(issue, desk.agent, "/snooze tomorrow")
    if is_snoozed:
        write(other, desk.agent, "/snooze next week")
    merge_ticket(issue=other, actor=desk.agent, into=issue, now=timezone.now())
    until = after and timezone.localdate() + after * DAY
    assert ticket_of(issue).snoozed_until == until
