"""Each command: done by who may, refused to who may not, not understood, done twice."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Announcement, Event, Issue, MergeRequest, Note, Role, State, Subscription
from issues.quick_actions.table import ACTIONS
from tests.factories import (
    IssueFactory,
    LabelFactory,
    MembershipFactory,
    MergeRequestFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
NO_ROLE = "Your role in the project does not include this. Ask one of its maintainers."


@dataclass(frozen=True)
class Trial:
    """A command by a member of the team, and what is so afterwards and was not before."""

    line: str
    holds: Callable[[Issue | MergeRequest], bool]
    before: str = ""
    """Commands that make it possible."""

    by_readers: bool = False
    """Whoever may read it may do it."""

    notes: int = 1
    """System notes that it leaves."""


def is_subscribed(name, subscribed):
    told = Subscription.objects.filter(user__username=name, subscribed=subscribed)
    return lambda _item: told.exists()


OF_BOTH = (
    Trial("/close", lambda item: item.state == State.CLOSED),
    Trial("/reopen", lambda item: item.state == State.OPENED, before="/close"),
    Trial("/title New", lambda item: item.title == "New"),
    Trial("/assign @ann", lambda item: item.assignees.filter(username="Ann").exists()),
    Trial("/unassign @ann", lambda item: not item.assignees.exists(), before="/assign @ann"),
    Trial("/label ~bug", lambda item: item.labels.filter(name="Bug").exists()),
    Trial('/label ~"Two Words"', lambda item: item.labels.filter(name="two words").exists()),
    Trial("/unlabel ~bug", lambda item: not item.labels.exists(), before="/label ~bug"),
    Trial("/due tomorrow", lambda item: item.due_date == dt.date(2026, 11, 26)),
    Trial("/due 내일", lambda item: item.due_date == dt.date(2026, 11, 26)),
    Trial("/remove_due_date", lambda item: item.due_date is None, before="/due today"),
    Trial("/lock", lambda item: item.locked),
    Trial("/unlock", lambda item: not item.locked, before="/lock"),
    Trial("/subscribe", is_subscribed("actor", subscribed=True), by_readers=True, notes=0),
    Trial("/unsubscribe", is_subscribed("actor", subscribed=False), by_readers=True, notes=0),
    Trial("/cc @ann", is_subscribed("Ann", subscribed=True), by_readers=True),
)
TRIALS = {
    Issue: (
        *OF_BOTH,
        Trial("/confidential", lambda item: item.confidential),
        Trial("/duplicate #1", lambda item: item.duplicate_of is not None),
    ),
    MergeRequest: (
        *OF_BOTH,
        Trial("/target_branch next", lambda item: item.target_branch == "next"),
        Trial("/draft", lambda item: item.draft),
        Trial("/ready", lambda item: not item.draft, before="/draft"),
    ),
}
EACH = [
    pytest.param(kind, trial, id=f"{kind.__name__} {trial.line}")
    for kind, trials in TRIALS.items()
    for trial in trials
]


@pytest.fixture
def issue():
    """The second of its project, with two labels."""
    first = IssueFactory(project__path="acme/shop")
    LabelFactory(project=first.project, name="Bug")
    LabelFactory(project=first.project, name="two words")
    return IssueFactory(project=first.project, title="Old")


@pytest.fixture
def merge_request():
    return MergeRequestFactory(project__path="acme/tools", source_branch="oil")


@pytest.fixture
def ann():
    """Somebody with an account, to be named."""
    return UserFactory(username="Ann")


def make_member(item, role=Role.DEVELOPER, **account):
    user = UserFactory(**account)
    return MembershipFactory(project=item.project, role=role, user=user).user


def give(item, text, actor=None):
    """What is written by a member of the team, unless by somebody else."""
    actor = actor or make_member(item)
    written = quick_actions.write_note(item=item, author=actor, body=typed(text), now=NOW)
    item.refresh_from_db()
    return written


def refusals(written):
    return [refusal.why for refusal in written.refused]


def system_notes(item):
    return list(item.notes.filter(system=True).order_by("pk").values_list("body", flat=True))


@pytest.fixture
def items(issue, merge_request, ann):
    """One of each kind, with the labels and the person that the trials name."""
    LabelFactory(project=merge_request.project, name="Bug")
    LabelFactory(project=merge_request.project, name="two words")
    return {Issue: issue, MergeRequest: merge_request}


def prepare(items, kind, trial):
    item = items[kind]
    if trial.before:
        assert give(item, trial.before).refused == ()
    assert not trial.holds(item)
    return item, len(system_notes(item))


@pytest.mark.parametrize(("kind", "trial"), EACH)
def test_a_member_may_and_it_is_recorded_once(kind, trial, items):
    item, notes = prepare(items, kind, trial)
    member = make_member(item, username="actor")

    for _twice in range(2):
        written = give(item, trial.line, member)
        assert (written.note, written.done, written.refused) == (None, (trial.line,), ())

    assert trial.holds(item)
    assert len(system_notes(item)) == notes + trial.notes
    assert not Note.objects.filter(system=False).exists()


@pytest.mark.parametrize(("kind", "trial"), EACH)
def test_a_stranger_may_what_readers_may_and_is_told(kind, trial, items):
    item, notes = prepare(items, kind, trial)

    written = give(item, trial.line, UserFactory(username="actor"))

    if trial.by_readers:
        assert (written.done, refusals(written)) == ((trial.line,), [])
    else:
        assert (written.done, refusals(written)) == ((), [NO_ROLE])
        assert len(system_notes(item)) == notes
    assert trial.holds(item) is trial.by_readers


def test_every_action_of_the_table_is_tried_on_each_of_its_kinds():
    tried = {(kind, trial.line.split()[0]) for kind, trials in TRIALS.items() for trial in trials}
    of_rows = {(kind, f"/{action.name}") for action in ACTIONS for kind in action.kinds}
    assert of_rows == tried, "add a Trial, or name the kinds in the row"


def test_without_names_all_go(issue, ann):
    give(issue, '/assign @ann me\n/label ~bug ~"two words"')
    assert (issue.assignees.count(), issue.labels.count()) == (2, 2)

    give(issue, "/unassign\n/unlabel")

    assert (issue.assignees.count(), issue.labels.count()) == (0, 0)


def test_off_ends_what_is_confidential(issue):
    give(issue, "/confidential")
    assert give(issue, "/confidential OFF\n/confidential off").refused == ()
    assert not issue.confidential
    assert system_notes(issue)[1:] == ["made this visible to everybody in the project"]


def test_ready_ends_a_draft(merge_request):
    give(merge_request, "/draft")
    give(merge_request, "/ready")
    assert merge_request.draft is False
    assert system_notes(merge_request) == ["marked this as a draft", "marked this as ready"]


def test_who_unsubscribes_again_stays_so(issue):
    reader = UserFactory()
    for line, wanted in [("/subscribe", True), ("/unsubscribe", False), ("/unsubscribe", False)]:
        assert give(issue, line, reader).refused == ()
        assert Subscription.objects.get(user=reader).subscribed is wanted


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/assign @ghost", "Nobody is named @ghost."),
        ("/unassign @ghost", "Nobody is named @ghost."),
        ("/cc @ghost", "Nobody is named @ghost."),
        ('/label ~bug ~ghost ~"two ghosts"', 'no label ~ghost, ~"two ghosts". Make it first.'),
        ("/unlabel ghost", "The project has no label ~ghost."),
        ("/duplicate #99", "There is no such issue, or you may not see it."),
        ("/duplicate ghost/ship#1", "There is no such issue, or you may not see it."),
        ("/duplicate https://example.com/", "There is no such issue, or you may not see it."),
        ("/duplicate #2", "An issue cannot be a duplicate of itself."),
        ("/draft", "It is for merge requests only, and this is an issue."),
        ("/ready", "It is for merge requests only, and this is an issue."),
        ("/target_branch main", "It is for merge requests only, and this is an issue."),
    ],
)
def test_what_is_not_understood_is_told_and_changes_nothing(line, why, issue):
    written = give(issue, line)

    assert written.done == ()
    assert why in refusals(written)[0]
    assert system_notes(issue) == []
    assert not issue.labels.exists()


@pytest.mark.parametrize("line", ["/confidential", "/duplicate #1"])
def test_what_only_issues_have(line, merge_request):
    assert refusals(give(merge_request, line)) == [
        "It is for issues only, and this is a merge request."
    ]


def test_names_are_found_without_regard_to_case_and_the_exact_one_first(issue):
    ann, lower = UserFactory(username="Ann"), UserFactory(username="ann", email="a@example.com")
    give(issue, "/assign @Ann")
    assert list(issue.assignees.all()) == [ann]
    give(issue, "/unassign\n/assign @ann")
    assert list(issue.assignees.all()) == [lower]


def test_a_person_who_may_not_read_the_project_is_not_assigned(issue, ann):
    issue.project.visibility = "private"
    issue.project.save()
    why = "@Ann may not read this, so it cannot be assigned to them."
    assert refusals(give(issue, "/assign @ann")) == [why]


def test_a_stranger_learns_no_names(issue, ann):
    """Who may not assign is told so, whether the person exists or not."""
    stranger = UserFactory()
    assert refusals(give(issue, "/assign @ann", stranger)) == [NO_ROLE]
    assert refusals(give(issue, "/assign @ghost", stranger)) == [NO_ROLE]


def test_a_duplicate_of_an_issue_that_one_may_not_see_is_of_none(issue):
    hidden = IssueFactory(project=ProjectFactory(path="secret/x", visibility="private"))
    written = give(issue, f"/duplicate secret/x#{hidden.iid}")
    assert refusals(written) == ["There is no such issue, or you may not see it."]


def test_a_duplicate_of_another_project_by_its_address(issue, settings):
    other = IssueFactory(project__path="acme/other")
    give(issue, f"/duplicate {settings.BASE_URL}/acme/other/-/issues/{other.iid}/")
    assert issue.duplicate_of == other
    assert system_notes(issue) == [f"closed this as a duplicate of acme/other#{other.iid}"]

    give(issue, "/reopen")
    assert issue.duplicate_of is None


def test_copied_in_are_those_who_have_not_spoken_for_themselves(issue, ann):
    bob = UserFactory(username="bob")
    services.unsubscribe(user=bob, item=issue)

    for _twice in range(2):
        assert give(issue, "/cc @ann @bob").refused == ()

    words = dict(Subscription.objects.values_list("user__username", "subscribed"))
    assert words == {"Ann": True, "bob": False}
    assert system_notes(issue) == ["let @Ann hear of this"]


def test_copying_in_alone_is_announced_and_with_a_text_the_text_is(issue, ann):
    give(issue, "/cc @ann")
    assert Announcement.objects.get().note.body == "let @Ann hear of this"
    Announcement.objects.all().delete()
    UserFactory(username="bob")

    give(issue, "Look at this.\n/cc @bob")

    assert Announcement.objects.get().note.body == "Look at this."


def test_who_may_not_read_cannot_be_copied_in(issue, ann):
    issue.confidential = True
    issue.save()
    why = "@Ann may not read this, so they cannot be notified."
    assert refusals(give(issue, "/cc @ann")) == [why]
    assert not Subscription.objects.exists()


def test_strangers_copy_nobody_into_a_locked_discussion(issue, ann):
    issue.locked = True
    issue.save()
    assert refusals(give(issue, "/cc @ann", UserFactory())) == [
        "The discussion is locked: only members of the project may comment."
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/target_branch oil", "Source and target branch are the same. Choose another one."),
        ("/target_branch taken", "There is an open merge request for these branches already."),
    ],
)
def test_target_branches_that_will_not_do(line, why, merge_request):
    MergeRequestFactory(project=merge_request.project, source_branch="oil", target_branch="taken")
    written = give(merge_request, f"{line}\n/draft")
    assert refusals(written) == [why]
    assert (merge_request.target_branch, merge_request.draft) == ("main", True)


def test_the_target_branch_of_a_closed_merge_request_stays(merge_request):
    written = give(merge_request, "/close\n/target_branch next")
    assert refusals(written) == ["It is not open, so its target branch stays. Open it again first."]


def test_reopening_beside_an_open_twin_is_refused(merge_request):
    give(merge_request, "/close")
    MergeRequestFactory(project=merge_request.project, source_branch="oil", target_branch="main")
    assert "Close it first." in refusals(give(merge_request, "/reopen"))[0]


def test_a_merged_request_stays_merged(merge_request):
    MergeRequest.objects.update(state=State.MERGED)
    give(merge_request, "/close\n/reopen")
    assert merge_request.state == State.MERGED


def test_commands_come_after_the_text_in_their_order(issue):
    written = give(issue, "Fixed by now.\n\n/title One\n/title Two\n/close")

    assert written.note.body == "Fixed by now."
    assert list(issue.notes.order_by("pk").values_list("body", flat=True)) == [
        "Fixed by now.",
        "changed the title from “Old” to “One”",
        "changed the title from “One” to “Two”",
        "closed this",
    ]
    assert [told.event for told in Announcement.objects.all()] == [Event.NEW_NOTE, Event.NEW_NOTE]


def test_a_refused_command_stops_no_other(issue):
    written = give(issue, "/assign @ghost\n/close\n/colse")
    assert written.done == ("/close",)
    assert [refusal.line for refusal in written.refused] == ["/colse", "/assign @ghost"]
    assert issue.notes.get(system=False).body == "/colse"


def test_the_author_may_close_and_not_triage(issue):
    written = give(issue, "/close\n/label ~bug", issue.author)
    assert (written.done, refusals(written)) == (("/close",), [NO_ROLE])


def test_who_may_not_read_is_answered_as_if_there_were_nothing(issue):
    issue.confidential = True
    issue.save()
    with pytest.raises(services.NotVisible):
        give(issue, "/unsubscribe", UserFactory())


def test_who_may_not_comment_commands_nothing_beside_a_text(issue):
    issue.locked = True
    issue.save()
    reader = UserFactory()
    with pytest.raises(services.Locked):
        give(issue, "Hello\n/subscribe", reader)
    assert not Subscription.objects.exists()

    assert give(issue, "/subscribe", reader).done == ("/subscribe",)


INSIDE = "the note is internal"
WORDED = ("/title He is a s3cret fool", "/duplicate acme/s3cret#1", "/target_branch s3cret")


@pytest.fixture
def secret():
    return IssueFactory(project__path="acme/s3cret", iid=1)


@pytest.mark.parametrize("text", ["", "Look:\n"])
@pytest.mark.parametrize("line", WORDED)
def test_words_of_an_internal_note_stay_inside(issue, merge_request, secret, line, text):
    item = merge_request if "branch" in line else issue
    member = make_member(item)
    services.add_member(project=secret.project, user=member, role=Role.REPORTER)
    first = services.create_note(item=item, author=member, body="Hm", internal=True)
    for place in ({"internal": True}, {"discussion": first.discussion}):
        written = quick_actions.write_note(
            item=item, author=member, body=typed(f"{text}{line}\n/lock"), now=NOW, **place
        )
        assert written.done == ("/lock",)
        (refused,) = refusals(written)
        assert INSIDE in refused
    item.refresh_from_db()
    assert "s3cret" not in f"{item.title} {getattr(item, 'target_branch', '')}"
    assert getattr(item, "duplicate_of", None) is None
    assert system_notes(item) == ["locked this discussion"]

    first = services.create_note(item=item, author=member, body="Hm")
    written = quick_actions.write_note(
        item=item, author=member, body=typed(line), now=NOW, discussion=first.discussion
    )
    assert written.done == (line,), "in a public discussion it is carried out"


@pytest.mark.parametrize("is_gone", [True, False])
def test_where_no_note_could_be_written_words_stay_inside_too(issue, is_gone):
    member = make_member(issue, Role.REPORTER)
    services.assign(item=issue, actor=make_member(issue), users=[member])
    first = services.create_note(item=issue, author=member, body="Hm", internal=True)
    if is_gone:
        first.delete()
    else:
        member.memberships.update(role=Role.GUEST)
    written = quick_actions.write_note(
        item=issue,
        author=member,
        body=typed("/title s3cret\n/unsubscribe"),
        now=NOW,
        discussion=first.discussion,
    )
    assert written.done == ("/unsubscribe",)
    assert INSIDE in refusals(written)[0]


def test_whatever_takes_free_words_shows_them():
    for action in quick_actions.find_actions().values():
        assert action.shows_argument >= action.fits("He is a s3cret fool"), action.name


def test_each_usage_is_understood_by_its_own_action():
    for action in ACTIONS:
        (command,) = quick_actions.read(typed(action.usage)).commands
        assert command.action is action


def test_many_names_cost_as_many_statements_as_one(issue):
    member = make_member(issue)
    LabelFactory.create_batch(20, project=issue.project)
    names = list(issue.project.labels.values_list("name", flat=True))
    counts = []
    for some in (names[:1], names[1:]):
        body = "/label " + " ".join(f'~"{name}"' for name in some)
        with CaptureQueriesContext(connection) as queries:
            written = quick_actions.write_note(item=issue, author=member, body=typed(body), now=NOW)
        assert written.refused == ()
        counts.append(len(queries))
    assert counts[0] == counts[1]
