"""People, projects and new issues."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db import connection

from issues import services
from issues.models import (
    Announcement,
    Event,
    Issue,
    Role,
    User,
    Visibility,
)
from issues.uploads import NewFile
from tests.factories import (
    PASSWORD,
    EmailAddressFactory,
    IssueFactory,
    MembershipFactory,
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


def test_create_user():
    user = services.create_user(
        username="ann", email="Ann@Example.com", password=PASSWORD, full_name="Ann van Dam"
    )

    assert (user.first_name, user.last_name, user.email) == ("Ann", "van Dam", "ann@example.com")
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get().email == "ann@example.com"
    assert EmailAddress.objects.get().verified


def test_a_user_without_a_password_cannot_log_in():
    assert not services.create_user(username="ann", email="a@example.com").has_usable_password()


def test_a_taken_address_is_refused_and_leaves_no_user():
    services.create_user(username="ann", email="a@example.com")

    with pytest.raises(services.Invalid) as refusal:
        services.create_user(username="bob", email="A@example.com")

    assert refusal.value.messages == ["Another account has this address. Give a different one."]
    assert not User.objects.filter(username="bob").exists()


def test_an_address_that_another_only_claims_can_be_verified():
    EmailAddressFactory(email="a@example.com", verified=False)

    ann = services.create_user(username="ann", email="a@example.com")

    assert ann.emailaddress_set.get().verified


def test_one_address_is_the_primary_one():
    ann = services.create_user(username="ann", email="a@example.com")
    services.add_email_address(user=ann, address="B@example.com", verified=True)

    ann.email = "b@example.com"
    services.choose_primary_address(ann)

    assert [row.email for row in ann.emailaddress_set.filter(primary=True)] == ["b@example.com"]


@pytest.mark.parametrize("verified", [True, False])
def test_a_superuser_of_the_command_line_has_a_verified_address(verified):
    EmailAddressFactory(email="root@example.com", verified=verified)

    call_command("createsuperuser", username="root", email="Root@example.com", interactive=False)

    mine = EmailAddress.objects.filter(user__username="root")
    assert [(row.email, row.verified, row.primary) for row in mine] == (
        [] if verified else [("root@example.com", True, True)]
    )


def test_create_project_with_an_owner():
    owner = UserFactory()

    project = services.create_project(path="acme/shop", owner=owner)

    assert (project.name, project.visibility) == ("shop", Visibility.PRIVATE)
    assert owner.has_perm("issues.administer_project", project)


@pytest.mark.parametrize("path", ["", "Acme", "acme//shop", "../x", "acme/", "acme shop"])
def test_a_bad_project_path_is_refused(path):
    with pytest.raises(services.Invalid):
        services.create_project(path=path, name="x")


def test_add_member_changes_the_role_of_a_member():
    project = ProjectFactory()
    user = make_member(project, Role.GUEST)

    services.add_member(project=project, user=user, role=Role.MAINTAINER)

    assert project.memberships.get(user=user).role == Role.MAINTAINER


def test_a_label_name_is_taken_in_any_case():
    project = ProjectFactory()
    services.create_label(project=project, name="Bug")

    with pytest.raises(services.Invalid):
        services.create_label(project=project, name="bug")


def test_create_issue_numbers_by_project_and_announces():
    project, author = ProjectFactory(), UserFactory()
    IssueFactory()

    issues = [
        services.create_issue(project=project, author=author, title=f"t{n}") for n in range(3)
    ]

    assert [issue.iid for issue in issues] == [1, 2, 3]
    announcement = Announcement.objects.get(issue=issues[0])
    assert (announcement.event, announcement.actor) == (Event.NEW_ISSUE, author)
    assert announcement.fanned_out_at is None


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("", "(no subject)"),
        (" \r\n\x00 ", "(no subject)"),
        ("one\r\nBcc: x@example.com", "one Bcc: x@example.com"),
        ("x" * 300, "x" * 255),
        ("a\ud800", "a?"),
    ],
)
def test_a_title_is_one_line_and_never_blank(title, expected):
    issue = services.create_issue(project=ProjectFactory(), author=UserFactory(), title=title)

    issue.refresh_from_db()
    assert issue.title == expected


def test_a_stranger_cannot_open_an_issue_in_a_private_project_or_learn_of_it():
    project = ProjectFactory(visibility=Visibility.PRIVATE)

    with pytest.raises(services.NotVisible):
        services.create_issue(project=project, author=UserFactory(), title="t")

    assert not Issue.objects.exists()
    project.refresh_from_db()
    assert project.last_issue_iid == 0


def test_an_external_author_needs_no_permission():
    project = ProjectFactory(visibility=Visibility.PRIVATE)

    issue = services.create_issue(
        project=project, author=None, external_author="jo@example.org", title="Help"
    )

    assert (issue.author, issue.external_author) == (None, "jo@example.org")


def test_an_issue_of_nobody_is_refused():
    with pytest.raises(services.Invalid, match="needs an author"):
        services.create_issue(project=ProjectFactory(), author=None, title="t")


def test_an_issue_with_files():
    file = make_file()

    issue = services.create_issue(
        project=ProjectFactory(),
        author=UserFactory(),
        title="t",
        description="See",
        files=[file],
    )

    assert issue.description == f"See\n\n[plan.pdf]({file.address})"
    assert issue.uploads.get().uploader == issue.author


@pytest.mark.django_db(transaction=True)
def test_issues_opened_at_once_get_different_numbers():
    project, author = ProjectFactory(), UserFactory()

    def open_one(number):
        try:
            return services.create_issue(project=project, author=author, title=str(number)).iid
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(open_one, range(12)))

    assert sorted(numbers) == list(range(1, 13))
