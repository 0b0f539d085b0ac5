"""Changes of items, and who hears of them."""

import datetime as dt

import pytest

from issues import services
from issues.models import (
    Announcement,
    Issue,
    Role,
    State,
    Subscription,
    Visibility,
)
from tests.factories import (
    IssueFactory,
    LabelFactory,
    MembershipFactory,
    MergeRequestFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def make_member(project, role=Role.REPORTER):
    return MembershipFactory(project=project, role=role).user


def system_notes(item):
    return list(item.notes.filter(system=True).order_by("pk").values_list("body", flat=True))


@pytest.mark.parametrize("factory", [IssueFactory, MergeRequestFactory])
def test_close_and_reopen_are_told_once(factory):
    item = factory()

    for _twice in range(2):
        services.close_item(item=item, actor=item.author)
    item.refresh_from_db()
    assert item.state == State.CLOSED
    assert item.closed_at is not None
    for _twice in range(2):
        services.reopen_item(item=item, actor=item.author)
    item.refresh_from_db()

    assert (item.state, item.closed_at) == (State.OPENED, None)
    assert system_notes(item) == ["closed this", "reopened this"]
    assert Announcement.objects.count() == 2


def test_a_stale_copy_does_not_close_twice():
    issue = IssueFactory()
    stale = Issue.objects.get(pk=issue.pk)
    services.close_item(item=issue, actor=issue.author)

    services.close_item(item=stale, actor=issue.author)

    assert system_notes(issue) == ["closed this"]
    assert stale.state == State.CLOSED


def test_a_merged_request_is_neither_closed_nor_reopened():
    merge_request = MergeRequestFactory(state=State.MERGED)

    services.close_item(item=merge_request, actor=merge_request.author)
    services.reopen_item(item=merge_request, actor=merge_request.author)

    merge_request.refresh_from_db()
    assert merge_request.state == State.MERGED


def test_edit_item_records_each_change_and_tells_nobody():
    issue = IssueFactory(title="Old", description="before")

    services.edit_item(item=issue, actor=issue.author, title="New", description="after")
    services.edit_item(item=issue, actor=issue.author, title="New", description="after")

    issue.refresh_from_db()
    assert (issue.title, issue.description) == ("New", "after")
    assert system_notes(issue) == [
        "changed the title from “Old” to “New”",
        "changed the description",
    ]
    assert not Announcement.objects.exists()


def test_a_title_with_a_percent_sign_is_recorded():
    issue = IssueFactory(title="100% s")

    services.edit_item(item=issue, actor=issue.author, title="50%(x)s")

    assert system_notes(issue) == ["changed the title from “100% s” to “50%(x)s”"]


def test_triage_is_recorded():
    issue = IssueFactory()
    actor = make_member(issue.project)
    bug, slow = (
        LabelFactory(project=issue.project, name="bug"),
        LabelFactory(project=issue.project, name="slow"),
    )

    for _twice in range(2):
        services.set_confidential(item=issue, actor=actor, confidential=True)
        services.set_locked(item=issue, actor=actor, locked=True)
        services.set_due_date(item=issue, actor=actor, due_date=dt.date(2026, 5, 6))
        services.add_labels(item=issue, actor=actor, labels=[bug, slow])
    for _twice in range(2):
        services.set_confidential(item=issue, actor=actor, confidential=False)
        services.set_locked(item=issue, actor=actor, locked=False)
        services.set_due_date(item=issue, actor=actor, due_date=None)
        services.remove_labels(item=issue, actor=actor, labels=[slow])

    issue.refresh_from_db()
    assert (issue.confidential, issue.locked, issue.due_date) == (False, False, None)
    assert list(issue.labels.all()) == [bug]
    assert system_notes(issue) == [
        "made this confidential",
        "locked this discussion",
        "changed the due date to 2026-05-06",
        "added the label ~bug, ~slow",
        "made this visible to everybody in the project",
        "unlocked this discussion",
        "removed the due date",
        "removed the label ~slow",
    ]
    assert not Announcement.objects.exists()


@pytest.mark.parametrize(
    ("change", "values"),
    [
        (services.set_confidential, {"confidential": True}),
        (services.set_locked, {"locked": True}),
        (services.set_due_date, {"due_date": None}),
        (services.assign, {"users": []}),
        (services.unassign, {"users": []}),
        (services.add_labels, {"labels": []}),
        (services.remove_labels, {"labels": []}),
    ],
)
def test_a_guest_triages_nothing(change, values):
    issue = IssueFactory()

    with pytest.raises(services.NotAllowed):
        change(item=issue, actor=make_member(issue.project, Role.GUEST), **values)


@pytest.mark.parametrize("change", [services.close_item, services.reopen_item, services.edit_item])
def test_a_stranger_edits_nothing(change):
    with pytest.raises(services.NotAllowed):
        change(item=IssueFactory(), actor=UserFactory())


def test_a_label_of_another_project_is_refused():
    issue = IssueFactory()

    with pytest.raises(services.Invalid, match="another project"):
        services.add_labels(item=issue, actor=make_member(issue.project), labels=[LabelFactory()])


def test_assigning_is_told_and_unassigning_recorded():
    issue = IssueFactory()
    actor, ann = make_member(issue.project), UserFactory(username="ann")

    for _twice in range(2):
        services.assign(item=issue, actor=actor, users=[ann, ann])
    assert list(issue.assignees.all()) == [ann]
    for _twice in range(2):
        services.unassign(item=issue, actor=actor, users=[ann])

    assert not issue.assignees.exists()
    assert system_notes(issue) == ["assigned this to @ann", "removed @ann as assignee"]
    assert Announcement.objects.count() == 1


def test_who_may_not_read_the_project_is_not_assigned():
    issue = IssueFactory(project__visibility=Visibility.PRIVATE)

    with pytest.raises(services.Invalid, match="@eve may not read this"):
        services.assign(
            item=issue, actor=make_member(issue.project), users=[UserFactory(username="eve")]
        )

    assert not issue.assignees.exists()


def test_a_guest_can_be_assigned_to_a_confidential_issue():
    issue = IssueFactory(confidential=True)
    guest = make_member(issue.project, Role.GUEST)

    services.assign(item=issue, actor=make_member(issue.project), users=[guest])

    assert guest.has_perm("issues.read_item", issue)


@pytest.mark.parametrize("factory", [IssueFactory, MergeRequestFactory])
def test_the_last_word_counts(factory):
    item, user = factory(), UserFactory()

    for act in (services.subscribe, services.unsubscribe, services.unsubscribe):
        act(user=user, item=item)

    assert Subscription.objects.get().subscribed is False
    services.subscribe(user=user, item=item)
    assert Subscription.objects.get().subscribed is True


def test_who_lost_access_can_leave_and_not_come_back():
    issue = IssueFactory(confidential=True)
    user = UserFactory()

    services.unsubscribe(user=user, item=issue)

    with pytest.raises(services.NotVisible):
        services.subscribe(user=user, item=issue)
