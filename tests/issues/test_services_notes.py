"""New notes and merge requests."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from issues import services
from issues.models import (
    Announcement,
    Event,
    Issue,
    Note,
    Role,
    Upload,
    Visibility,
)
from issues.uploads import NewFile
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def make_file(source="web-1", content=b"abc"):
    return NewFile("plan.pdf", "application/pdf", content, source=source)


def make_member(project, role=Role.REPORTER):
    return MembershipFactory(project=project, role=role).user


def test_create_note_is_three_queries():
    issue = IssueFactory(project__visibility=Visibility.PRIVATE)
    author = make_member(issue.project)
    issue = Issue.objects.select_related("project").get(pk=issue.pk)

    with CaptureQueriesContext(connection) as context:
        services.create_note(item=issue, author=author, body="Yes")

    queries = [q["sql"] for q in context if "SAVEPOINT" not in q["sql"]]
    assert len(queries) == 3
    assert [sql.split()[0] for sql in queries] == ["SELECT", "INSERT", "INSERT"]


def test_a_note_and_its_announcement():
    issue, author = IssueFactory(), UserFactory()

    note = services.create_note(item=issue, author=author, body="Yes\0", quoted="> No")

    note.refresh_from_db()
    assert (note.item, note.author, note.body, note.quoted) == (issue, author, "Yes", "> No")
    assert len(note.discussion) == 32
    announcement = Announcement.objects.get()
    assert (announcement.event, announcement.note, announcement.actor) == (
        Event.NEW_NOTE,
        note,
        author,
    )


def test_a_note_on_a_merge_request_in_a_discussion():
    first = NoteFactory(merge_request=MergeRequestFactory())

    note = services.create_note(
        item=first.item, author=UserFactory(), body="Yes", discussion=first.discussion
    )

    assert (note.item, note.discussion) == (first.merge_request, first.discussion)


@pytest.mark.parametrize("body", ["", " \n\t", "\0"])
def test_an_empty_note_is_refused(body):
    with pytest.raises(services.Invalid, match="comment is empty"):
        services.create_note(item=IssueFactory(), author=UserFactory(), body=body)


def test_a_note_of_a_file_alone():
    note = services.create_note(
        item=IssueFactory(), author=UserFactory(), body="", files=[make_file()]
    )

    assert note.body == f"[plan.pdf]({make_file().address})"


def test_a_locked_discussion_says_so_to_strangers_and_takes_members():
    issue = IssueFactory(locked=True)

    with pytest.raises(services.Locked):
        services.create_note(item=issue, author=UserFactory(), body="Yes")

    services.create_note(item=issue, author=make_member(issue.project, Role.GUEST), body="Yes")
    assert Note.objects.count() == 1


def test_a_confidential_issue_does_not_exist_for_strangers_even_when_locked():
    with pytest.raises(services.NotVisible):
        services.create_note(
            item=IssueFactory(confidential=True, locked=True), author=UserFactory(), body="Yes"
        )


def test_an_internal_note_needs_a_reporter():
    issue = IssueFactory()

    with pytest.raises(services.NotAllowed):
        services.create_note(item=issue, author=UserFactory(), body="psst", internal=True)

    reporter = make_member(issue.project)
    assert services.create_note(item=issue, author=reporter, body="psst", internal=True).internal


def test_a_refused_note_stores_no_file(media_root):
    with pytest.raises(services.NotVisible):
        services.create_note(
            item=IssueFactory(confidential=True),
            author=UserFactory(),
            body="x",
            files=[make_file()],
        )

    assert not Upload.objects.exists()
    assert not [path for path in media_root.rglob("*") if path.is_file()]


@pytest.mark.django_db(transaction=True)
def test_a_note_that_fails_after_its_file_leaves_neither(media_root, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("issues.services.writing.announce", fail)

    with pytest.raises(OSError, match="Input/output"):
        services.create_note(
            item=IssueFactory(), author=UserFactory(), body="x", files=[make_file()]
        )

    assert not Note.objects.exists()
    assert not Upload.objects.exists()
    assert not [path for path in media_root.rglob("*") if path.is_file()]


def make_merge_request(project, author, **fields):
    fields = {"title": "Oil", "source_branch": "oil", "target_branch": "main"} | fields
    return services.create_merge_request(project=project, author=author, **fields)


def test_create_merge_request():
    project = ProjectFactory()
    author = make_member(project, Role.DEVELOPER)

    merge_request = make_merge_request(project, author, draft=True, files=[make_file()])

    assert (merge_request.iid, merge_request.draft) == (1, True)
    assert merge_request.uploads.count() == 1
    assert Announcement.objects.get().merge_request == merge_request


def test_a_reporter_opens_no_merge_request():
    project = ProjectFactory()

    with pytest.raises(services.NotAllowed) as refusal:
        make_merge_request(project, make_member(project))

    assert type(refusal.value) is services.NotAllowed


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source_branch": " "}, "needs a source branch"),
        ({"target_branch": "oil"}, "are the same"),
        ({}, "open merge request for these branches"),
    ],
)
def test_bad_branches_are_refused(fields, message):
    project = ProjectFactory()
    author = make_member(project, Role.DEVELOPER)
    MergeRequestFactory(project=project, source_branch="oil", target_branch="main")

    with pytest.raises(services.Invalid, match=message):
        make_merge_request(project, author, **fields)


def test_a_closed_merge_request_frees_its_branches_and_then_stays_closed():
    project = ProjectFactory()
    author = make_member(project, Role.DEVELOPER)
    first = make_merge_request(project, author)
    services.close_item(item=first, actor=author)

    make_merge_request(project, author)

    with pytest.raises(services.Invalid, match="Close it first"):
        services.reopen_item(item=first, actor=author)
