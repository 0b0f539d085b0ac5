"""Every page, asked for by every kind of person."""

import re

import pytest
from django.urls import reverse

from issues import services
from issues.models import Note, Role, Visibility
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

PEOPLE = ("nobody", "stranger", "guest", "reporter", "developer", "maintainer", "owner")
EVERYBODY = set(PEOPLE)
ACCOUNTS = EVERYBODY - {"nobody"}
MEMBERS = ACCOUNTS - {"stranger"}
REPORTERS = MEMBERS - {"guest"}
NOBODY = set()


def make_people(project):
    people = {"nobody": None, "stranger": UserFactory()}
    for role in Role:
        people[role.name.lower()] = MembershipFactory(project=project, role=role).user
    return people


@pytest.fixture
def ask(client):
    """The people of the project who get the page; all others must get the one 404."""

    def ask(url, people):
        answered = set()
        for name, user in people.items():
            client.logout()
            if user:
                client.force_login(user)
            response = client.get(url)
            if response.streaming:
                assert b"".join(response.streaming_content) == b"plan"  # closes the file as well
            status = response.status_code
            assert status in {200, 404}, (name, status)
            if status == 200:
                answered.add(name)
        return answered

    return ask


PAGES = [
    (Visibility.PUBLIC, "issue-list", EVERYBODY),
    (Visibility.INTERNAL, "issue-list", ACCOUNTS),
    (Visibility.PRIVATE, "issue-list", MEMBERS),
    (Visibility.PUBLIC, "merge-request-list", EVERYBODY),
    (Visibility.INTERNAL, "merge-request-list", ACCOUNTS),
    (Visibility.PRIVATE, "merge-request-list", MEMBERS),
]


@pytest.mark.parametrize(("visibility", "page", "expected"), PAGES)
def test_lists(ask, visibility, page, expected):
    project = ProjectFactory(visibility=visibility)

    assert ask(reverse(page, args=[project.path]), make_people(project)) == expected


@pytest.mark.parametrize(
    ("visibility", "confidential", "expected"),
    [
        (Visibility.PUBLIC, False, EVERYBODY),
        (Visibility.PUBLIC, True, REPORTERS),
        (Visibility.INTERNAL, False, ACCOUNTS),
        (Visibility.PRIVATE, False, MEMBERS),
        (Visibility.PRIVATE, True, REPORTERS),
    ],
)
def test_issue(ask, visibility, confidential, expected):
    issue = IssueFactory(project__visibility=visibility, confidential=confidential)

    url = reverse("issue-detail", args=[issue.project.path, issue.iid])

    assert ask(url, make_people(issue.project)) == expected


def test_confidential_issue_is_open_to_its_author_and_assignees(ask):
    issue = IssueFactory(confidential=True)
    assignee = UserFactory()
    issue.assignees.add(assignee)
    url = reverse("issue-detail", args=[issue.project.path, issue.iid])

    people = {"author": issue.author, "assignee": assignee, "other": UserFactory()}

    assert ask(url, people) == {"author", "assignee"}


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [
        (Visibility.PUBLIC, EVERYBODY),
        (Visibility.INTERNAL, ACCOUNTS),
        (Visibility.PRIVATE, REPORTERS),
    ],
)
def test_merge_request(ask, visibility, expected):
    merge_request = MergeRequestFactory(project__visibility=visibility)
    project = merge_request.project

    url = reverse("merge-request-detail", args=[project.path, merge_request.iid])

    assert ask(url, make_people(project)) == expected


@pytest.mark.parametrize(
    ("visibility", "confidential", "internal", "expected"),
    [
        (Visibility.PUBLIC, False, False, EVERYBODY),
        (Visibility.PUBLIC, False, True, REPORTERS),
        (Visibility.PUBLIC, True, False, REPORTERS),
        (Visibility.PRIVATE, False, False, MEMBERS),
    ],
)
def test_file_of_a_note(ask, visibility, confidential, internal, expected):
    project = ProjectFactory(visibility=visibility)
    people = make_people(project)
    issue = IssueFactory(project=project, confidential=confidential)
    file = NewFile("plan.txt", "text/plain", b"plan", "test-0")
    services.create_note(
        item=issue, author=people["owner"], body="see", internal=internal, files=[file]
    )

    assert ask(file.address, people) == expected


@pytest.mark.parametrize(
    ("visibility", "expected"),
    [(Visibility.PUBLIC, ACCOUNTS), (Visibility.INTERNAL, ACCOUNTS), (Visibility.PRIVATE, MEMBERS)],
)
def test_form_for_a_new_issue(ask, client, visibility, expected):
    project = ProjectFactory(visibility=visibility)
    url = reverse("issue-new", args=[project.path])
    people = make_people(project)

    assert client.get(url).headers["Location"] == f"/account/login/?next={url}"
    del people["nobody"]
    assert ask(url, people) == expected


def test_list_of_projects_shows_only_those_one_may_read(client):
    public = ProjectFactory(visibility=Visibility.PUBLIC)
    internal = ProjectFactory(visibility=Visibility.INTERNAL)
    private = ProjectFactory(visibility=Visibility.PRIVATE)
    member = MembershipFactory(project=private, role=Role.GUEST).user

    def shown():
        return set(client.get("/").context["projects"])

    assert shown() == {public}
    client.force_login(UserFactory())
    assert shown() == {public, internal}
    client.force_login(member)
    assert shown() == {public, internal, private}


def test_what_is_not_there_and_what_is_not_yours_look_the_same(client):
    hidden = IssueFactory(project__visibility=Visibility.PRIVATE, title="The merger")
    path = hidden.project.path
    client.force_login(UserFactory())

    def answer(address):
        response = client.get(address)
        token = rb'name="csrfmiddlewaretoken" value="[^"]+"'
        return response.status_code, re.sub(token, b"", response.content)

    nothing = answer("/acme/nothing/-/issues/")
    assert nothing[0] == 404
    assert answer(f"/{path}/-/issues/") == nothing
    assert answer(f"/{path}/-/issues/{hidden.iid}/") == nothing
    assert answer(f"/{path}/-/issues/99/") == nothing
    assert answer(f"/{path}/") == nothing
    assert answer(f"/{path}/-/issues/{hidden.iid}/close/") == nothing


@pytest.mark.parametrize("name", ["guest", "stranger", "nobody"])
def test_internal_notes_are_hidden_below_reporter(client, name):
    issue = IssueFactory()
    people = make_people(issue.project)
    NoteFactory(issue=issue, body="The customer is rude.", internal=True)
    if people[name]:
        client.force_login(people[name])

    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid]))

    assert "The customer is rude." not in page.content.decode()
    assert "Internal note" not in page.content.decode()


def test_reporters_see_internal_notes_marked(client):
    issue = IssueFactory()
    NoteFactory(issue=issue, body="The customer is rude.", internal=True)
    client.force_login(make_people(issue.project)["reporter"])

    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid]))

    assert "The customer is rude." in page.content.decode()
    assert '<span class="badge confidential">Internal note</span>' in page.content.decode()


@pytest.mark.parametrize(
    ("name", "locked", "status", "notes"),
    [
        ("nobody", False, 302, 0),
        ("stranger", False, 302, 1),
        ("stranger", True, 403, 0),
        ("guest", True, 302, 1),
    ],
)
def test_who_may_comment(client, name, locked, status, notes):
    issue = IssueFactory(locked=locked)
    people = make_people(issue.project)
    if people[name]:
        client.force_login(people[name])
    url = reverse("issue-detail", args=[issue.project.path, issue.iid])

    response = client.post(url, {"body": "Me too."})

    assert response.status_code == status
    assert Note.objects.count() == notes
    if name == "nobody":
        assert response.headers["Location"] == f"/account/login/?next={url}"


@pytest.mark.parametrize(
    ("name", "state"), [("guest", "opened"), ("reporter", "closed"), ("author", "closed")]
)
def test_who_may_close(client, name, state):
    issue = IssueFactory()
    people = {**make_people(issue.project), "author": issue.author}
    client.force_login(people[name])

    response = client.post(f"/{issue.project.path}/-/issues/{issue.iid}/close/")

    issue.refresh_from_db()
    assert issue.state == state
    assert response.status_code == (302 if state == "closed" else 403)


def test_a_guest_cannot_write_an_internal_note(client):
    issue = IssueFactory()
    client.force_login(make_people(issue.project)["guest"])
    url = reverse("issue-detail", args=[issue.project.path, issue.iid])

    client.post(url, {"body": "psst", "internal": "on"})

    assert not Note.objects.get().internal


def test_what_an_issue_is_a_duplicate_of_is_shown_to_those_who_may_read_it(client):
    original = IssueFactory(title="The first of them", confidential=True)
    copy = IssueFactory(project=original.project, duplicate_of=original)
    reporter = MembershipFactory(project=copy.project, role=Role.REPORTER).user
    guest = MembershipFactory(project=copy.project, role=Role.GUEST).user
    address = reverse("issue-detail", args=[original.project.path, original.iid])
    pages = []
    for reader in (reporter, guest):
        client.force_login(reader)
        pages.append(client.get(reverse("issue-detail", args=[copy.project.path, copy.iid])).text)
    assert [f'<a href="{address}">#{original.iid} The first of them</a>' in p for p in pages] == [
        True,
        False,
    ]
    assert ["Duplicate of" in page for page in pages] == [True, False]
