"""Texts with commands: what is made of them, and what a fault leaves behind."""

import datetime as dt

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils import translation

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Announcement, Issue, MergeRequest, Note, Role, State, Upload
from issues.uploads import NewFile
from tests.factories import IssueFactory, LabelFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
MORE = "tests.issues.quick_actions.more.ACTIONS"


@pytest.fixture
def member():
    return MembershipFactory(role=Role.DEVELOPER, user__username="ann").user


@pytest.fixture
def project(member):
    return member.projects.get()


@pytest.fixture
def issue(project):
    return IssueFactory(project=project)


def open_issue(project, author, text):
    return quick_actions.open_issue(
        project=project, author=author, title="It squeaks", description=typed(text), now=NOW
    )


def test_a_new_issue_is_opened_as_its_commands_say(member, project):
    label = LabelFactory(project=project, name="bug")
    text = "When opened.\n\n/title The door squeaks\n/confidential\n/label ~bug\n/assign me\n/close"

    written = open_issue(project, member, text)

    issue = Issue.objects.get()
    assert (issue.title, issue.description) == ("The door squeaks", "When opened.")
    assert (issue.confidential, issue.state) == (True, State.CLOSED)
    assert (list(issue.labels.all()), list(issue.assignees.all())) == ([label], [member])
    assert (written.item, written.note, len(written.done), written.refused) == (issue, None, 5, ())
    assert "changed the title" not in " ".join(issue.notes.values_list("body", flat=True))


def test_a_description_of_commands_only_is_empty(member, project):
    open_issue(project, member, "/due tomorrow\n")
    issue = Issue.objects.get()
    assert (issue.description, issue.due_date) == ("", dt.date(2026, 11, 26))


def test_whoever_opens_an_issue_may_make_it_confidential_but_not_triage_it(project):
    written = open_issue(project, UserFactory(), "Secret\n/confidential\n/lock")
    assert Issue.objects.get().confidential
    assert written.done == ("/confidential",)
    assert [refusal.line for refusal in written.refused] == ["/lock"]


def test_a_new_merge_request_is_opened_as_its_commands_say(member, project):
    written = quick_actions.open_merge_request(
        project=project,
        author=member,
        title="oil",
        description=typed(
            "Oil it.\n/target_branch next\n/draft\n/title Oil the hinge\n/close me\n"
        ),
        source_branch="oil",
        target_branch="main",
        now=NOW,
    )

    merge_request = MergeRequest.objects.get()
    assert (merge_request.title, merge_request.target_branch) == ("Oil the hinge", "next")
    assert merge_request.draft
    assert merge_request.description == "Oil it.\n/close me"
    assert merge_request.notes.count() == 0
    assert [refusal.line for refusal in written.refused] == ["/close me"]


def test_the_target_branch_can_be_known_before_the_merge_request_is_made():
    reading = quick_actions.read(typed("Text\n/target_branch next\n/ready"))
    opening = quick_actions.split_opening(reading.commands, MergeRequest)
    assert (opening.target_branch, opening.draft, opening.others) == ("next", False, ())


def test_what_an_opening_cannot_hold_is_refused(member, project):
    written = open_issue(project, member, "/target_branch next")
    assert [refusal.line for refusal in written.refused] == ["/target_branch next"]


def test_a_file_beside_commands_makes_a_note(member, issue, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = NewFile(filename="a.txt", content_type="text/plain", content=b"x", source="test-1")
    written = quick_actions.write_note(
        item=issue, author=member, body=typed("/close"), files=[file], now=NOW
    )
    assert written.note.body == f"[a.txt](/uploads/{file.secret}/a.txt)"
    assert Upload.objects.get().note == written.note


def test_a_text_without_commands_is_kept_to_the_letter(member, issue):
    body = "  indented\r\n\r\n/etc/passwd \n\n"
    written = quick_actions.write_note(item=issue, author=member, body=typed(body), now=NOW)
    assert (written.note.body, written.done) == (body, ())


def test_an_empty_text_is_invalid_as_ever(member, issue):
    with pytest.raises(services.Invalid):
        quick_actions.write_note(item=issue, author=member, body=typed(" "), now=NOW)


def test_what_a_customer_writes_holds_no_commands(project):
    """It goes to the services as it is: there no line is a command."""
    issue = services.create_issue(
        project=project,
        author=None,
        external_author="customer@example.com",
        title="Help",
        description="/confidential\n/close",
    )
    note = services.create_note(
        item=issue, author=None, external_author="customer@example.com", body="/close"
    )
    issue.refresh_from_db()
    assert (issue.description, issue.state) == ("/confidential\n/close", State.OPENED)
    assert note.body == "/close"


@override_settings(ISSUES_QUICK_ACTIONS=["issues.quick_actions.table.ACTIONS", MORE])
def test_a_fault_leaves_nothing_behind(member, issue, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = NewFile(filename="a.txt", content_type="text/plain", content=b"x", source="test-2")

    with pytest.raises(ConnectionError):
        quick_actions.write_note(
            item=issue, author=member, body=typed("Hello\n/close\n/break"), files=[file], now=NOW
        )

    issue.refresh_from_db()
    assert issue.state == State.OPENED
    assert (Note.objects.count(), Announcement.objects.count()) == (0, 0)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_actions_of_other_apps_are_named_in_the_settings(member, issue):
    assert quick_actions.write_note(item=issue, author=member, body=typed("/shrug"), now=NOW).note
    paths = ["issues.quick_actions.table.ACTIONS", MORE]
    with override_settings(ISSUES_QUICK_ACTIONS=paths):
        written = quick_actions.write_note(item=issue, author=member, body=typed("/shrug"), now=NOW)
        assert (written.note, written.done) == (None, ("/shrug",))
        assert list(quick_actions.find_actions())[-2:] == ["shrug", "break"]
    assert "shrug" not in quick_actions.find_actions()


def test_two_actions_of_one_name_are_a_mistake_of_the_settings():
    with (
        override_settings(ISSUES_QUICK_ACTIONS=[MORE, MORE]),
        pytest.raises(ImproperlyConfigured, match="Two quick actions are named /shrug"),
    ):
        quick_actions.find_actions()


def test_refusals_come_in_the_language_in_force(member, issue):
    with translation.override("ko"):
        written = quick_actions.write_note(
            item=issue, author=member, body=typed("/assign @ghost\n/colse\n/due never"), now=NOW
        )
    assert len(written.refused) == 3
    assert not any(refusal.why.isascii() for refusal in written.refused)
