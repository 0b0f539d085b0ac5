"""A ticket that is marked as spam goes out of sight, with its sender blocked; "not spam" brings it
back with all that it would have done."""

from datetime import timedelta
from functools import partial

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import BlockedSender
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import services
from issues.models import Announcement, Issue, Note, OutgoingEmail, OutgoingState, Role
from issues.notifications import fan_out, fan_out_owed
from issues.permissions import visible_issues
from servicedesk import spam
from servicedesk.models import Participant, Ticket
from tests.factories import MembershipFactory, UserFactory
from tests.incoming_email.pipeline.test_races import at_once
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def maintainer(desk, client):
    user = MembershipFactory(project=desk.project, role=Role.MAINTAINER).user
    client.force_login(user)
    return user


@pytest.fixture
def issue(desk):
    return desk.open_ticket()


def mark(issue, actor):
    spam.mark_as_spam(issue=issue, actor=actor, now=timezone.now())
    issue.refresh_from_db()


def bring_back(issue, actor):
    spam.mark_as_no_spam(issue=issue, actor=actor, now=timezone.now())
    issue.refresh_from_db()


def thank_yous():
    return list(OutgoingEmail.objects.filter(kind="desk_thank_you").values_list("state", flat=True))


def test_marked_and_brought_back(desk, issue, maintainer):
    mark(issue, maintainer)
    assert BlockedSender.objects.get().pattern == CUSTOMER
    assert BlockedSender.objects.get().project == desk.project
    assert not visible_issues(maintainer, desk.project).exists()
    assert thank_yous() == [OutgoingState.WITHHELD]
    assert desk.write(subject="More").reason == Reason.BLOCKED_SENDER
    bring_back(issue, maintainer)
    assert not BlockedSender.objects.exists()
    assert visible_issues(maintainer, desk.project).get() == issue
    assert thank_yous() == [OutgoingState.PENDING]
    assert desk.write(subject="More").status == Status.PROCESSED


def test_twice_changes_nothing(issue, maintainer):
    for act in (mark, mark, bring_back, bring_back):
        act(issue, maintainer)
    system = Note.objects.filter(system=True).values_list("body", flat=True)
    assert list(system) == [
        f"marked this as spam and blocked {CUSTOMER}",
        "marked this as not spam",
    ]


def test_mail_that_went_out_is_not_sent_again(issue, maintainer):
    OutgoingEmail.objects.update(state=OutgoingState.SENT, sent_at=NOW)
    mark(issue, maintainer)
    bring_back(issue, maintainer)
    assert thank_yous() == [OutgoingState.SENT]


def test_who_has_left_meanwhile_gets_nothing_of_what_was_kept_back(issue, maintainer):
    mark(issue, maintainer)
    Participant.objects.update(unsubscribed_at=NOW)
    bring_back(issue, maintainer)
    assert thank_yous() == []


def test_a_sender_stays_blocked_until_nothing_of_theirs_is_spam(desk, issue, maintainer):
    other = desk.open_ticket(subject="Another one", sender=CUSTOMER.upper())
    mark(issue, maintainer)
    mark(other, maintainer)
    bring_back(issue, maintainer)
    assert BlockedSender.objects.get().pattern == CUSTOMER
    bring_back(other, maintainer)
    assert not BlockedSender.objects.exists()


def test_the_page_of_a_ticket_says_whose_mail_is_ignored(desk, issue, maintainer, client):
    other = desk.open_ticket(subject="Another one")
    mark(other, maintainer)
    page = reverse("issue-detail", args=[desk.project.path, issue.iid])
    assert "Mail from this address to the project is ignored" in client.get(page).text
    bring_back(other, maintainer)
    assert "Mail from this address to the project is ignored" not in client.get(page).text


def test_a_block_that_was_there_stays(desk, issue, maintainer):
    BlockedSender.objects.create(pattern=CUSTOMER, project=desk.project)
    mark(issue, maintainer)
    bring_back(issue, maintainer)
    assert BlockedSender.objects.get().pattern == CUSTOMER


def test_two_that_are_brought_back_at_once_leave_no_block(desk, issue, maintainer):
    other = desk.open_ticket(subject="Another one")
    for _round in range(5):
        mark(issue, maintainer)
        mark(other, maintainer)
        at_once(
            *(
                partial(bring_back, Issue.objects.get(pk=each.pk), maintainer)
                for each in (issue, other)
            )
        )
        assert not BlockedSender.objects.exists()
        issue.refresh_from_db()
        other.refresh_from_db()


def test_mails_that_are_made_at_that_moment_are_kept_back(desk, issue, maintainer):
    for number in range(5):
        services.create_note(item=issue, author=maintainer, body=f"Comment {number}")
        (owed,) = Announcement.objects.filter(fanned_out_at=None, note__body__startswith="Comment")
        at_once(
            partial(fan_out, owed.pk, now=timezone.now()),
            partial(mark, Issue.objects.get(pk=issue.pk), maintainer),
        )
        assert not OutgoingEmail.objects.filter(state=OutgoingState.PENDING).exists()
        issue.refresh_from_db()
        bring_back(issue, maintainer)
        fan_out_owed(now=timezone.now())
        OutgoingEmail.objects.update(state=OutgoingState.SENT)


def test_notifications_wait_until_it_is_no_spam(desk, issue, maintainer):
    services.subscribe(user=desk.agent, item=issue)
    mark(issue, maintainer)
    waiting = Announcement.objects.filter(fanned_out_at=None)
    assert waiting.exists()
    assert not Announcement.objects.owed().exists(), "nobody is late with them"
    assert [fan_out(each.pk, now=NOW) for each in waiting] == [0] * len(waiting)
    fan_out_owed(now=NOW)
    assert not OutgoingEmail.objects.filter(recipient=desk.agent.email).exists()
    bring_back(issue, maintainer)
    assert len(sent_to(desk.agent.email)) == 1


@pytest.mark.parametrize("role", [Role.REPORTER, Role.DEVELOPER])
def test_maintainers_alone_say_so(desk, issue, role):
    actor = MembershipFactory(project=desk.project, role=role).user
    for judge in (spam.mark_as_spam, spam.mark_as_no_spam):
        with pytest.raises(services.NotAllowed):
            judge(issue=issue, actor=actor, now=NOW)


def test_nobody_changes_spam(desk, issue, maintainer):
    mark(issue, maintainer)
    for action in ("comment_on", "edit_item", "triage_item"):
        assert not maintainer.has_perm(f"issues.{action}", issue)
    with pytest.raises(services.NotAllowed):
        services.create_note(item=issue, author=maintainer, body="Hello")


def test_neither_does_a_superuser(desk, issue, client, maintainer):
    """Whom Django allows everything without asking."""
    root = UserFactory(is_superuser=True, is_staff=True)
    mark(issue, maintainer)
    client.force_login(root)
    page = client.get(reverse("issue-detail", args=[desk.project.path, issue.iid]))
    assert "Nobody comments on what is marked as spam" in page.text
    for change in (
        partial(services.create_note, author=root, body="Hello"),
        partial(services.close_item, actor=root),
        partial(services.set_confidential, actor=root, confidential=True),
    ):
        with pytest.raises(services.NotAllowed, match="marked as spam"):
            change(item=issue)


def test_authors_below_reporter_no_longer_read_it(desk, maintainer):
    author = MembershipFactory(project=desk.project, role=Role.GUEST).user
    issue = services.create_issue(project=desk.project, author=author, title="x")
    assert author.has_perm("issues.read_item", issue)
    issue.spam_at = NOW
    assert not author.has_perm("issues.read_item", issue)
    assert desk.agent.has_perm("issues.read_item", issue)


def test_the_address_of_a_member_is_not_blocked(desk, maintainer):
    issue = desk.open_ticket()
    MembershipFactory(project=desk.project, user__email=CUSTOMER)  # later
    mark(issue, maintainer)
    assert not BlockedSender.objects.exists()


def test_an_answer_of_another_participant_is_held_and_brings_it_back(desk, issue, maintainer):
    other = "cora@customer.example"
    Participant.objects.create(ticket_id=issue.pk, address=other, joined_at=NOW)
    services.create_note(item=issue, author=maintainer, body="What is broken?")
    (mail,) = sent_to(other)
    mark(issue, maintainer)
    row = desk.receive(answer(mail, body="The door."))
    assert (row.status, row.reason) == (Status.HELD, Reason.SPAM)
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    row.refresh_from_db()
    assert row.status == Status.PROCESSED
    issue.refresh_from_db()
    assert issue.spam_at is None
    assert "The door." in Note.objects.get(external_author=other).body


def test_deleted_in_the_end(issue, maintainer, settings):
    mark(issue, maintainer)
    later = timezone.now() + timedelta(days=settings.KEEP_SPAM_DAYS)
    assert spam.delete_old_spam(now=later - timedelta(hours=1)) == 0
    assert spam.delete_old_spam(now=later + timedelta(hours=1)) == 1
    assert not Issue.objects.exists()
    assert not Ticket.objects.exists()
    assert thank_yous() == []


def test_kept_for_ever_where_the_setting_says_so(issue, maintainer, settings):
    settings.KEEP_SPAM_DAYS = 0
    mark(issue, maintainer)
    assert spam.delete_old_spam(now=timezone.now() + timedelta(days=9999)) == 0


def test_the_pages(desk, issue, maintainer, client):
    path = desk.project.path
    page, url = (reverse(name, args=[path, issue.iid]) for name in ("issue-detail", "ticket-spam"))
    assert "Mark as spam" in client.get(page).text
    assert client.post(url).url == reverse("ticket-list", args=[path])
    assert issue.title not in client.get(reverse("ticket-list", args=[path]), {"state": "all"}).text
    assert issue.title not in client.get(reverse("issue-list", args=[path])).text
    assert page in client.get(reverse("held-spam", args=[path])).text
    shown = client.get(page).text
    assert "Not spam" in shown
    assert "withheld" in shown
    assert "Nobody comments on what is marked as spam." in shown
    assert client.post(url, {"not": "1"}).url == page
    issue.refresh_from_db()
    assert issue.spam_at is None


def test_a_reporter_gets_no_button(desk, issue, client):
    client.force_login(desk.agent)
    url = reverse("issue-detail", args=[desk.project.path, issue.iid])
    assert "Mark as spam" not in client.get(url).text
    assert client.post(f"{url}spam/").status_code == 403
