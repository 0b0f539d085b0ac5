"""Every action, asked by every kind of person."""

import pytest
from django.contrib.auth.models import AnonymousUser

from issues import permissions
from issues.models import Role, Visibility
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

PEOPLE = ("nobody", "stranger", "guest", "reporter", "developer", "maintainer", "owner", "inactive")
EVERYBODY = set(PEOPLE) - {"inactive"}
ACCOUNTS = EVERYBODY - {"nobody"}
MEMBERS = ACCOUNTS - {"stranger"}
REPORTERS = MEMBERS - {"guest"}
DEVELOPERS = REPORTERS - {"reporter"}
MAINTAINERS = DEVELOPERS - {"developer"}


def make_people(project):
    people = {"nobody": AnonymousUser(), "stranger": UserFactory()}
    for role in Role:
        people[role.name.lower()] = MembershipFactory(project=project, role=role).user
    people["inactive"] = MembershipFactory(
        project=project, role=Role.OWNER, user__is_active=False
    ).user
    return people


def allowed(action, target, people):
    return {name for name, user in people.items() if user.has_perm(f"issues.{action}", target)}


@pytest.mark.parametrize(
    ("visibility", "action", "expected"),
    [
        (Visibility.PUBLIC, "read_project", EVERYBODY),
        (Visibility.INTERNAL, "read_project", ACCOUNTS),
        (Visibility.PRIVATE, "read_project", MEMBERS),
        (Visibility.PUBLIC, "open_issue", ACCOUNTS),
        (Visibility.INTERNAL, "open_issue", ACCOUNTS),
        (Visibility.PRIVATE, "open_issue", MEMBERS),
        (Visibility.PUBLIC, "open_merge_request", DEVELOPERS),
        (Visibility.PRIVATE, "open_merge_request", DEVELOPERS),
        (Visibility.PUBLIC, "read_internal", REPORTERS),
        (Visibility.PUBLIC, "administer_project", MAINTAINERS),
    ],
)
def test_who_may_do_what_in_a_project(visibility, action, expected):
    project = ProjectFactory(visibility=visibility)

    assert allowed(action, project, make_people(project)) == expected


@pytest.mark.parametrize(
    ("fields", "visibility", "action", "expected"),
    [
        ({}, Visibility.PUBLIC, "read_item", EVERYBODY),
        ({}, Visibility.INTERNAL, "read_item", ACCOUNTS),
        ({}, Visibility.PRIVATE, "read_item", MEMBERS),
        ({"confidential": True}, Visibility.PUBLIC, "read_item", REPORTERS),
        ({}, Visibility.PUBLIC, "comment_on", ACCOUNTS),
        ({}, Visibility.PRIVATE, "comment_on", MEMBERS),
        ({"locked": True}, Visibility.PUBLIC, "comment_on", MEMBERS),
        ({"confidential": True}, Visibility.PUBLIC, "comment_on", REPORTERS),
        ({}, Visibility.PUBLIC, "edit_item", REPORTERS),
        ({}, Visibility.PUBLIC, "triage_item", REPORTERS),
    ],
)
def test_who_may_do_what_with_an_issue(fields, visibility, action, expected):
    issue = IssueFactory(project__visibility=visibility, **fields)

    assert allowed(action, issue, make_people(issue.project)) == expected


@pytest.mark.parametrize(
    ("visibility", "action", "expected"),
    [
        (Visibility.PUBLIC, "read_item", EVERYBODY),
        (Visibility.INTERNAL, "read_item", ACCOUNTS),
        (Visibility.PRIVATE, "read_item", REPORTERS),
        (Visibility.PRIVATE, "comment_on", REPORTERS),
        (Visibility.PUBLIC, "edit_item", DEVELOPERS),
        (Visibility.PUBLIC, "triage_item", REPORTERS),
    ],
)
def test_who_may_do_what_with_a_merge_request(visibility, action, expected):
    merge_request = MergeRequestFactory(project__visibility=visibility)

    assert allowed(action, merge_request, make_people(merge_request.project)) == expected


def test_the_author_edits_and_reads_their_confidential_issue_and_triages_nothing():
    issue = IssueFactory(confidential=True)

    assert issue.author.has_perm("issues.read_item", issue)
    assert issue.author.has_perm("issues.edit_item", issue)
    assert not issue.author.has_perm("issues.triage_item", issue)


def test_an_assignee_reads_a_confidential_issue():
    issue = IssueFactory(confidential=True)
    assignee = UserFactory()
    issue.assignees.add(assignee)

    assert assignee.has_perm("issues.comment_on", issue)


def test_the_author_who_left_a_private_project_reads_nothing():
    issue = IssueFactory(project__visibility=Visibility.PRIVATE)

    assert not issue.author.has_perm("issues.read_item", issue)


def test_an_external_ticket_belongs_to_no_anonymous_reader():
    issue = IssueFactory(author=None, external_author="jo@example.org", confidential=True)

    assert not AnonymousUser().has_perm("issues.read_item", issue)


@pytest.mark.parametrize("action", sorted(permissions.PREDICATES))
def test_a_question_without_an_object_is_no(action):
    assert not UserFactory().has_perm(action)


@pytest.mark.parametrize("action", ["read_item", "comment_on", "edit_item", "triage_item"])
def test_a_question_about_an_item_is_one_query(action, django_assert_num_queries):
    issue = IssueFactory(confidential=True)
    user = MembershipFactory(project=issue.project, role=Role.REPORTER).user
    issue = type(issue).objects.select_related("project").get(pk=issue.pk)  # as callers have it

    with django_assert_num_queries(1):
        assert user.has_perm(f"issues.{action}", issue)


def test_a_superuser_is_not_looked_up(django_assert_num_queries):
    issue = IssueFactory(confidential=True, project__visibility=Visibility.PRIVATE)
    admin = UserFactory(is_superuser=True)

    with django_assert_num_queries(0):
        assert admin.has_perm("issues.administer_project", issue.project)


def test_an_inactive_superuser_may_nothing():
    project = ProjectFactory()

    assert not UserFactory(is_superuser=True, is_active=False).has_perm(
        "issues.read_project", project
    )


def test_visible_projects():
    public, internal, private = (
        ProjectFactory(visibility=value) for value in ("public", "internal", "private")
    )
    member = MembershipFactory(project=private, role=Role.GUEST).user

    assert set(permissions.visible_projects(AnonymousUser())) == {public}
    assert set(permissions.visible_projects(UserFactory())) == {public, internal}
    assert list(permissions.visible_projects(member).order_by("pk")) == [public, internal, private]
    assert set(permissions.visible_projects(UserFactory(is_superuser=True))) == {
        public,
        internal,
        private,
    }
    assert not permissions.visible_projects(UserFactory(is_active=False)).exists()


def test_visible_issues_agree_with_read_item(django_assert_num_queries):
    project = ProjectFactory(visibility=Visibility.INTERNAL)
    people = make_people(project)
    people["admin"] = UserFactory(is_superuser=True)
    issues = [
        IssueFactory(project=project),
        IssueFactory(project=project, confidential=True),
        IssueFactory(project=project, confidential=True, author=people["guest"]),
    ]
    issues[1].assignees.add(people["stranger"], people["guest"])

    for name, user in people.items():
        with django_assert_num_queries(0 if name == "inactive" else 1):
            visible = set(permissions.visible_issues(user, project))
        assert visible == {i for i in issues if user.has_perm("issues.read_item", i)}, name


@pytest.mark.parametrize("visibility", Visibility.values)
def test_visible_merge_requests_agree_with_read_item(visibility):
    merge_request = MergeRequestFactory(project__visibility=visibility)
    people = make_people(merge_request.project)
    people["admin"] = UserFactory(is_superuser=True)

    for name, user in people.items():
        found = permissions.visible_merge_requests(user, merge_request.project).exists()
        assert found == user.has_perm("issues.read_item", merge_request), name


def test_internal_notes_are_visible_to_reporters():
    issue = IssueFactory()
    said, internal = NoteFactory(issue=issue), NoteFactory(issue=issue, internal=True)
    people = make_people(issue.project)

    assert list(permissions.visible_notes(people["guest"], issue)) == [said]
    assert list(permissions.visible_notes(people["nobody"], issue)) == [said]
    assert list(permissions.visible_notes(people["reporter"], issue)) == [said, internal]
    assert list(permissions.visible_notes(UserFactory(is_superuser=True), issue)) == [
        said,
        internal,
    ]


def test_notes_of_an_unreadable_issue_are_not_visible():
    note = NoteFactory(issue__confidential=True)

    assert not permissions.visible_notes(UserFactory(), note.issue).exists()


@pytest.mark.parametrize("internal", [False, True])
@pytest.mark.parametrize("fields", [{}, {"confidential": True}])
def test_readers_among_agree_with_the_single_question(fields, internal, django_assert_num_queries):
    issue = IssueFactory(project__visibility=Visibility.PRIVATE, **fields)
    people = make_people(issue.project)
    del people["nobody"]
    people["author"] = issue.author
    people["admin"] = UserFactory(is_superuser=True)
    issue.assignees.add(people["guest"])

    with django_assert_num_queries(3):
        readers = permissions.readers_among(list(people.values()), issue, internal=internal)

    assert set(readers) == {
        user
        for user in people.values()
        if user.has_perm("issues.read_item", issue)
        and (not internal or user.has_perm("issues.read_internal", issue.project))
    }


@pytest.mark.parametrize(
    ("role", "branch", "allowed"),
    [
        (Role.REPORTER, "fix", False),
        (Role.DEVELOPER, "fix", True),
        (Role.DEVELOPER, "trunk", False),
        (Role.DEVELOPER, "release-2", False),
        (Role.DEVELOPER, "my-release-2", True),
        (Role.MAINTAINER, "trunk", True),
        (Role.MAINTAINER, "release-2", True),
    ],
)
def test_protected_branches_are_for_maintainers(role, branch, allowed):
    member = MembershipFactory(role=role)
    project = member.project
    project.default_branch, project.protected_branches = "trunk", "\n release-* \r\n"

    assert permissions.may_push(member.user, project, branch) is allowed
