"""Where a note goes, and who reads it, is the service's decision: callers cannot widen it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Announcement, Note, Role, State, Upload
from issues.notifications.fanning_out import fan_out_owed
from issues.services.discussions import discussions_looked_up, find_discussion
from issues.uploads import NewFile
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    return IssueFactory()


@pytest.fixture
def agent(issue):
    return MembershipFactory(project=issue.project, role=Role.REPORTER).user


def write(item, author, **fields):
    return services.create_note(item=item, author=author, body="Yes", **fields)


@pytest.mark.parametrize("factory", [IssueFactory, MergeRequestFactory])
@pytest.mark.parametrize("internal", [False, True])
def test_in_an_internal_discussion_every_note_is_internal(factory, internal):
    item = factory()
    agent = MembershipFactory(project=item.project, role=Role.REPORTER).user
    first = write(item, agent, internal=True)
    note = write(item, agent, discussion=first.discussion, internal=internal)
    assert (note.discussion, note.internal) == (first.discussion, True)


def test_an_internal_note_on_a_public_one_begins_a_discussion_of_its_own(issue, agent):
    first = NoteFactory(issue=issue)
    note = write(issue, agent, discussion=first.discussion, internal=True)
    assert note.internal
    assert note.discussion != first.discussion
    assert not write(issue, agent, discussion=first.discussion).internal


def test_who_may_not_read_an_internal_discussion_may_not_write_in_it(issue, agent):
    first = write(issue, agent, internal=True)
    agent.memberships.update(role=Role.GUEST)
    with pytest.raises(services.NotAllowed):
        write(issue, agent, discussion=first.discussion)
    assert list(Note.objects.all()) == [first]


def test_a_customer_in_one_is_not_heard_outside(issue, agent):
    first = write(issue, agent, internal=True)
    note = write(issue, None, external_author="carl@customer.example", discussion=first.discussion)
    assert note.internal


def test_an_answer_to_a_discussion_that_is_gone_is_not_guessed_at(issue, agent):
    first = write(issue, agent, internal=True)
    first.delete()
    with pytest.raises(services.Invalid, match="What you answer is no longer there"):
        write(issue, agent, discussion=first.discussion)
    assert not Note.objects.exists()


def test_a_note_that_goes_while_it_is_answered_leaves_the_answer_internal(
    issue, agent, monkeypatch
):
    first = write(issue, agent, internal=True)
    real = services.writing.uploads.choose_files
    monkeypatch.setattr(
        services.writing.uploads,
        "choose_files",
        lambda files, place: (first.delete(), real(files, place))[1],
    )
    assert write(issue, agent, discussion=first.discussion).internal


def test_a_discussion_of_another_item_is_none_of_this(issue, agent):
    other = NoteFactory(issue__project=issue.project)
    with pytest.raises(services.Invalid):
        write(issue, agent, discussion=other.discussion)


@pytest.mark.parametrize("internal", [False, True])
def test_an_answer_to_a_system_note_begins_a_discussion(issue, agent, internal):
    services.close_item(item=issue, actor=agent)
    system = Note.objects.get()
    note = write(issue, agent, discussion=system.discussion, internal=internal)
    assert note.discussion != system.discussion
    assert note.internal is internal
    again = write(issue, agent, discussion=note.discussion)
    assert (again.discussion, again.internal) == (note.discussion, internal)


def test_answers_that_once_joined_a_system_note_are_a_discussion(issue, agent):
    services.close_item(item=issue, actor=agent)
    system = Note.objects.get()
    NoteFactory(issue=issue, discussion=system.discussion)
    assert write(issue, agent, discussion=system.discussion).discussion == system.discussion


class TestADiscussionThatWasOnceMixed:
    """Internal, with a public answer in it, as mail could make it before."""

    @pytest.fixture
    def discussion(self, issue):
        first = NoteFactory(issue=issue, internal=True)
        NoteFactory(issue=issue, discussion=first.discussion)
        return first.discussion

    def test_is_internal_from_now_on(self, issue, agent, discussion):
        note = write(issue, agent, discussion=discussion)
        assert (note.discussion, note.internal) == (discussion, True)

    def test_by_mail_nobody_below_reporter_answers_in_it(self, issue, discussion):
        """Their notification may have been of the internal part, from when they were a reporter."""
        guest = MembershipFactory(project=issue.project, role=Role.GUEST).user
        with pytest.raises(services.NotAllowed):
            write(issue, guest, discussion=discussion, by_mail=True)

    def test_who_sees_the_public_part_only_answers_that_and_not_in_it(self, issue, discussion):
        note = write(issue, UserFactory(), discussion=discussion)
        assert not note.internal
        assert note.discussion != discussion


def test_files_of_an_internal_answer_are_chosen_and_kept_as_such(
    issue, agent, settings, tmp_path, monkeypatch
):
    settings.MEDIA_ROOT = tmp_path
    asked = []
    real = services.writing.uploads.choose_files
    monkeypatch.setattr(
        services.writing.uploads,
        "choose_files",
        lambda files, place=None: (asked.append(place), real(files, place))[1],
    )
    first = write(issue, agent, internal=True)
    file = NewFile("plan.pdf", "application/pdf", b"abc", source="web-1")
    note = write(issue, agent, discussion=first.discussion, files=[file])
    assert asked[-1].internal
    assert Upload.objects.get().note == note
    assert note.internal


def test_commands_in_an_internal_answer_change_the_item_and_say_nothing_of_it(issue, agent):
    first = write(issue, agent, internal=True)
    Announcement.objects.all().delete()
    written = quick_actions.write_note(
        item=issue,
        author=agent,
        body=typed("He is a s3cret fool.\n/close"),
        now=timezone.now(),
        discussion=first.discussion,
    )
    issue.refresh_from_db()
    assert (written.note.internal, issue.state) == (True, State.CLOSED)
    system = Note.objects.get(system=True)
    assert system.discussion != first.discussion
    assert system.body == "closed this"


def test_who_hears_of_an_internal_answer_may_read_it(issue, agent):
    other = MembershipFactory(project=issue.project, role=Role.REPORTER).user
    guest = MembershipFactory(project=issue.project, role=Role.GUEST).user
    for person in (other, guest):
        services.subscribe(user=person, item=issue)
    first = write(issue, agent, internal=True)
    fan_out_owed(now=timezone.now())
    write(issue, other, discussion=first.discussion)
    mails = fan_out_owed(now=timezone.now())
    assert mails == 1, "the agent's; neither the guest's nor the author's"


def test_a_note_in_a_discussion_is_four_queries(issue, agent):
    first = NoteFactory(issue=issue)
    with CaptureQueriesContext(connection) as queries:
        write(issue, agent, discussion=first.discussion)
    words = [q["sql"].split()[0] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert words == ["SELECT", "SELECT", "INSERT", "INSERT"]


def test_discussions_are_looked_up_at_once(issue):
    public, internal = NoteFactory(issue=issue), NoteFactory(issue=issue, internal=True)
    elsewhere = NoteFactory()
    places = [(issue, note.discussion) for note in (public, internal, elsewhere)]
    with CaptureQueriesContext(connection) as queries, discussions_looked_up(places):
        found = [find_discussion(item, name) for item, name in places]
    assert len(queries) == 1
    assert [(each.public, each.internal) for each in found] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_nothing_is_looked_up_where_nobody_answers(issue):
    with (
        CaptureQueriesContext(connection) as queries,
        discussions_looked_up([(issue, ""), (None, "x")]),
    ):
        pass
    assert len(queries) == 0
