"""Who hears of what, how often, and at what price."""

import pytest
from django.db import DatabaseError

from issues import services
from issues.models import Announcement, OutgoingEmail, Role, Visibility
from issues.notifications import REPLY_ROUTES, fan_out, fan_out_owed
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)
from tests.issues import routes_double
from tests.issues.outgoing import NOW, hear, last_mail, plain, say
from tests.providing import provide

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_routes(monkeypatch):
    provide(monkeypatch, REPLY_ROUTES)


@pytest.fixture
def routes(monkeypatch):
    provide(monkeypatch, REPLY_ROUTES, routes_double.reply_routes)
    routes_double.asked.clear()
    return routes_double.asked


def test_a_new_issue_is_told_to_the_mentioned_and_not_to_its_author():
    author, ann = UserFactory(username="author"), UserFactory(username="ann")

    services.create_issue(
        project=ProjectFactory(), author=author, title="t", description="@Ann @author @nobody"
    )

    assert hear() == [ann.email]


def test_those_who_take_part_hear_of_a_note():
    issue = IssueFactory(author=UserFactory(username="author"))
    writer = NoteFactory(issue=issue, author=UserFactory(username="writer")).author
    NoteFactory(issue=issue, author=UserFactory(username="closer"), system=True)
    issue.assignees.add(UserFactory(username="assignee"))
    services.subscribe(user=UserFactory(username="follower"), item=issue)
    UserFactory(username="called")
    UserFactory(username="bystander")

    say(issue, body="@called, look", quoted="> @bystander")

    assert hear() == sorted(
        f"{name}@example.com" for name in ("assignee", "author", "called", "follower", "writer")
    )
    assert writer.email == "writer@example.com"


def test_the_actor_does_not_hear_of_their_own_note():
    issue = IssueFactory()

    say(issue, author=issue.author)

    assert hear() == []
    assert Announcement.objects.get().fanned_out_at == NOW


def test_who_asked_for_silence_hears_nothing_even_when_assigned_and_mentioned():
    issue = IssueFactory()
    ann = UserFactory(username="ann")
    issue.assignees.add(ann)
    services.unsubscribe(user=ann, item=issue)

    say(issue, body="@ann?")

    assert hear() == [issue.author.email]


@pytest.mark.parametrize(
    "fields",
    [
        {"is_active": False},
        {"address": False},
        {"address__verified": False},
    ],
)
def test_only_active_people_with_a_proven_address_get_mail(fields):
    issue = IssueFactory(author=UserFactory(**fields))

    say(issue)

    assert hear() == []


def test_another_proven_address_does_not_prove_the_one_that_mail_goes_to():
    author = UserFactory(email="old@example.com")
    author.email = "somebody-else@example.com"
    author.save()
    issue = IssueFactory(author=author)

    say(issue)

    assert hear() == []


def test_an_address_in_capitals_is_the_same_address():
    author = UserFactory(username="Ann", email="Ann@Example.com")
    issue = IssueFactory(author=author)

    say(issue)

    assert hear() == ["Ann@Example.com"]


def test_an_internal_note_is_told_to_reporters_only():
    issue = IssueFactory()
    reporter, guest = (
        MembershipFactory(project=issue.project, role=role).user
        for role in (Role.REPORTER, Role.GUEST)
    )
    issue.assignees.add(reporter, guest)

    say(
        issue,
        author=MembershipFactory(project=issue.project).user,
        body=f"@{guest.username} psst",
        internal=True,
    )

    assert hear() == [reporter.email]


def test_a_confidential_issue_is_told_to_those_who_may_read_it():
    issue = IssueFactory(confidential=True)
    reporter = MembershipFactory(project=issue.project, role=Role.REPORTER).user
    NoteFactory(issue=issue, author=UserFactory())
    NoteFactory(issue=issue, author=reporter)

    say(issue, author=MembershipFactory(project=issue.project).user)

    assert hear() == sorted([issue.author.email, reporter.email])


def test_who_left_a_private_project_hears_nothing():
    issue = IssueFactory(project__visibility=Visibility.PRIVATE)

    say(issue, author=MembershipFactory(project=issue.project).user)

    assert hear() == []


def test_a_person_without_an_account_calls_nobody():
    issue = IssueFactory(author=None, external_author="jo@example.org", description="@ann")
    UserFactory(username="ann")
    services.subscribe(user=UserFactory(username="follower"), item=issue)

    services.create_note(item=issue, author=None, external_author="jo@example.org", body="@ann")

    assert hear() == ["follower@example.com"]


def test_the_assigned_hear_of_it_and_the_closed_is_told():
    issue = IssueFactory()
    actor = MembershipFactory(project=issue.project).user
    ann = UserFactory(username="ann")

    services.assign(item=issue, actor=actor, users=[ann])
    assert hear() == sorted([ann.email, issue.author.email])
    services.close_item(item=issue, actor=actor)
    assert hear() == sorted([ann.email, issue.author.email])
    assert f"{actor} closed this." in plain(last_mail(ann.email))


def test_an_announcement_is_told_once():
    issue = IssueFactory()
    say(issue)
    announcement = Announcement.objects.get()

    assert fan_out(announcement.pk, now=NOW) == 1
    assert fan_out(announcement.pk, now=NOW) == 0
    assert fan_out(0, now=NOW) == 0
    assert OutgoingEmail.objects.count() == 1


def test_the_number_of_queries_does_not_grow_with_the_people(routes, django_assert_max_num_queries):
    issue = IssueFactory()
    for _person in range(3):
        NoteFactory(issue=issue)
    say(issue)
    with django_assert_max_num_queries(20) as few:
        assert fan_out(Announcement.objects.latest("pk").pk, now=NOW) == 4
    # SQLite takes 999 values in a statement: with more people the rows of their mails need two.
    for _person in range(30):
        NoteFactory(issue=issue)
    say(issue)

    with django_assert_max_num_queries(len(few.captured_queries)):
        assert fan_out(Announcement.objects.latest("pk").pk, now=NOW) == 35


def test_one_that_fails_does_not_keep_the_others_waiting(monkeypatch):
    for _n in range(3):
        say(IssueFactory())
    broken = Announcement.objects.order_by("pk").first()
    real = fan_out

    def fail_once(announcement_id, *, now):
        if announcement_id == broken.pk:
            raise DatabaseError("broken")
        return real(announcement_id, now=now)

    monkeypatch.setattr("issues.notifications.fanning_out.fan_out", fail_once)

    with pytest.raises(DatabaseError, match="broken"):
        fan_out_owed(now=NOW)

    assert list(Announcement.objects.filter(fanned_out_at=None)) == [broken]
    assert OutgoingEmail.objects.count() == 2


def test_the_oldest_are_told_first_up_to_the_limit():
    for _n in range(3):
        say(IssueFactory())

    assert fan_out_owed(now=NOW, limit=2) == 2
    assert fan_out_owed(now=NOW, limit=2) == 1
    assert fan_out_owed(now=NOW, limit=2) == 0
