"""Mail that is given up: its author hears of it once, maintainers see it on the item's page."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import outbox
from issues.models import (
    Issue,
    Membership,
    OutgoingEmail,
    OutgoingState,
    Project,
    Role,
    Visibility,
)
from issues.notifications import fan_out_owed
from tests.factories import IssueFactory, MembershipFactory
from tests.issues.outgoing import enqueue, say
from tests.issues.sending_steps import smtp_in_use
from tests.servicedesk.world import CUSTOMER, make_desk

pytestmark = pytest.mark.django_db
GONE = b"550 5.1.1 No such person"


def member(issue, role):
    return MembershipFactory(project=issue.project, role=role).user


def deliver(settings, *gone, days=1, answer=GONE):
    fan_out_owed(now=timezone.now())
    with smtp_in_use(settings, answers=dict.fromkeys(gone, answer)) as server:
        for day in range(days):
            for hour in range(0, 24, 6):
                at = timezone.now() + dt.timedelta(days=day, hours=hour)
                outbox.deliver_due(now=at)
    return server


def reports():
    return OutgoingEmail.objects.filter(kind="undelivered")


def test_the_author_of_a_comment_hears_of_it_once(settings):
    issue = IssueFactory()
    author = member(issue, Role.DEVELOPER)
    other = member(issue, Role.DEVELOPER)
    note = say(issue, author, body=f"Look at this, @{other.username}")
    deliver(settings, issue.author.email, other.email)

    (report,) = reports()
    assert (report.recipient, report.state) == (author.email, OutgoingState.SENT)
    assert report.subject == f"Not delivered: {issue.title}"
    assert str(issue) in report.text
    assert "RCPT TO: 550 5.1.1 No such person" in report.text
    assert f"#note-{note.pk}" in report.text
    assert report.headers["Auto-Submitted"] == "auto-generated"
    assert report.envelope_sender == ""


@pytest.mark.parametrize("hours", [120, 24])
def test_what_is_put_off_for_days_is_told_when_it_is_given_up(settings, hours):
    settings.EMAIL_RETRY_HOURS = hours
    issue = IssueFactory()
    author = member(issue, Role.DEVELOPER)
    say(issue, author)
    deliver(settings, issue.author.email, answer=b"450 4.2.0 Come back", days=hours // 24)
    assert reports().count() == 0
    deliver(settings, issue.author.email, answer=b"450 4.2.0 Come back", days=hours // 24 + 2)
    assert [row.recipient for row in reports()] == [author.email]


def test_who_may_not_see_addresses_reads_no_address(settings):
    issue = IssueFactory()
    author = member(issue, Role.GUEST)
    say(issue, author)
    deliver(settings, issue.author.email)
    (report,) = reports()
    assert "could not be delivered to 1 person." in report.text
    assert issue.author.email not in report.text
    assert "550" not in report.text


def test_who_may_read_it_no_more_is_not_told_its_title(settings):
    issue = IssueFactory()
    author, other = member(issue, Role.DEVELOPER), member(issue, Role.DEVELOPER)
    say(issue, author, body=f"Look at this, @{other.username}")
    Membership.objects.get(user=author).delete()
    Project.objects.update(visibility=Visibility.PRIVATE)
    Issue.objects.update(title="What they shall not know")
    deliver(settings, issue.author.email, other.email)
    assert OutgoingEmail.objects.filter(state=OutgoingState.FAILED).exists()
    assert not reports().exists()


def test_mail_of_nobody_is_told_to_nobody(settings):
    enqueue(n=1)
    deliver(settings, "ann1@example.com")
    assert OutgoingEmail.objects.get().state == OutgoingState.FAILED


def test_a_report_that_fails_causes_no_other(settings):
    issue = IssueFactory()
    author = member(issue, Role.DEVELOPER)
    say(issue, author)
    deliver(settings, issue.author.email, author.email)
    deliver(settings, issue.author.email, author.email, days=2)
    assert [row.state for row in reports()] == [OutgoingState.FAILED]
    assert OutgoingEmail.objects.filter(state=OutgoingState.FAILED).count() == 2


def test_the_agent_hears_that_the_customer_was_not_reached(settings):
    desk = make_desk()
    issue = desk.open_ticket()
    say(issue, desk.agent, body="Try again")
    deliver(settings, CUSTOMER)
    (report,) = reports()
    assert report.recipient == desk.agent.email
    assert CUSTOMER in report.text


def test_the_key_that_a_server_quotes_is_cut(settings):
    desk = make_desk()
    issue = desk.open_ticket()
    say(issue, desk.agent, body="Try again")
    fan_out_owed(now=timezone.now())
    quoted = OutgoingEmail.objects.get(kind="desk_note").envelope_sender
    key = quoted.partition("+")[2].partition("-")[0]
    deliver(settings, CUSTOMER, answer=f"550 5.1.7 <{quoted}>: Sender unknown".encode())
    (report,) = reports()
    assert f"550 5.1.7 <incoming+{key[:4]}…-bounce@letterbox.localhost>: Sender" in report.text
    assert key not in report.text + OutgoingEmail.objects.get(kind="desk_note").last_error


def test_a_customer_is_told_nothing_of_the_team(settings):
    desk = make_desk()
    issue = desk.open_ticket()
    first = say(issue, desk.agent, body="Try again")
    say(issue, issue.author, body="It works", external_author=CUSTOMER, discussion=first.discussion)
    deliver(settings, desk.agent.email)
    assert CUSTOMER not in reports().values_list("recipient", flat=True)


@pytest.mark.parametrize(
    ("role", "sees"), [(Role.MAINTAINER, True), (Role.OWNER, True), (Role.DEVELOPER, False)]
)
def test_maintainers_see_it_on_the_page(settings, client, role, sees):
    issue = IssueFactory()
    author = member(issue, Role.DEVELOPER)
    note = say(issue, author)
    say(IssueFactory(project=issue.project), author)
    deliver(settings, issue.author.email)
    client.force_login(member(issue, role))
    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid])).text
    assert ("550 5.1.1 No such person" in page) is sees
    assert (f'<a href="#note-{note.pk}">comment</a>' in page) is sees


def test_what_was_sent_again_and_taken_is_not_shown(settings, client):
    issue = IssueFactory()
    say(issue, member(issue, Role.DEVELOPER))
    deliver(settings, issue.author.email)
    failed = OutgoingEmail.objects.filter(state=OutgoingState.FAILED)
    failed.update(state=OutgoingState.PENDING, next_attempt_at=timezone.now())
    deliver(settings)
    assert outbox.find_undelivered(issue) == []
