"""The boxes with private addresses, the reset, and the page "Your addresses"."""

import re

import pytest

from incoming_email.models import InboxMethod, Mailbox, SenderToken
from issues import services
from issues.models import Role, Visibility
from tests.factories import (
    EmailAddressFactory,
    IssueFactory,
    MembershipFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
FIELD = re.compile(r'<input id="private-address" readonly value="([^"]*)"')
RESET = "/account/reset-addresses/"


@pytest.fixture
def mailbox():
    return Mailbox.objects.create(
        name="main",
        enabled=True,
        address="incoming+%{key}@letterbox.localhost",
        inbox_method=InboxMethod.SMTP,
    )


@pytest.fixture
def issue():
    return IssueFactory(project__path="acme/shop")


def log_in(client, project, role=Role.DEVELOPER):
    user = MembershipFactory(project=project, role=role).user
    client.force_login(user)
    return user


def address_on(client, url):
    found = FIELD.search(client.get(url).content.decode())
    return found and found[1]


def test_address_for_new_issues(client, mailbox, issue):
    user = log_in(client, issue.project)

    address = address_on(client, "/acme/shop/-/issues/")

    token = SenderToken.objects.get(user=user).token
    number = issue.project.pk
    assert address == f"incoming+acme-shop-{number}-{token}-issue@letterbox.localhost"
    assert address_on(client, "/acme/shop/-/issues/") == address


def test_address_for_new_merge_requests(client, mailbox, issue):
    user = log_in(client, issue.project)

    address = address_on(client, "/acme/shop/-/merge_requests/")

    token = SenderToken.objects.get(user=user).token
    number = issue.project.pk
    assert address == f"incoming+acme-shop-{number}-{token}-merge-request@letterbox.localhost"


def test_address_for_new_merge_requests_is_for_developers(client, mailbox, issue):
    log_in(client, issue.project, role=Role.REPORTER)
    assert address_on(client, "/acme/shop/-/merge_requests/") is None
    assert address_on(client, "/acme/shop/-/issues/")


def test_address_for_notes(client, mailbox, issue):
    user = log_in(client, issue.project)

    address = address_on(client, "/acme/shop/-/issues/1/")

    token = SenderToken.objects.get(user=user).token
    number = issue.project.pk
    assert address == f"incoming+acme-shop-{number}-{token}-issue-1@letterbox.localhost"


def test_pages_with_an_address_are_kept_by_nobody(client, mailbox, issue):
    log_in(client, issue.project)

    for url in ("/acme/shop/-/issues/", "/acme/shop/-/issues/1/"):
        response = client.get(url)
        assert "no-store" in response.headers["Cache-Control"]
        assert "private" in response.headers["Cache-Control"]
        assert response.headers["Referrer-Policy"] == "same-origin"


def test_everybody_sees_an_address_of_their_own(client, mailbox, issue):
    log_in(client, issue.project)
    first = address_on(client, "/acme/shop/-/issues/")
    log_in(client, issue.project)

    assert address_on(client, "/acme/shop/-/issues/") not in {None, first}


def test_no_address_without_log_in(client, mailbox, issue):
    assert address_on(client, "/acme/shop/-/issues/") is None
    assert address_on(client, "/acme/shop/-/issues/1/") is None


def test_no_address_for_notes_where_one_may_not_comment(client, mailbox, issue):
    issue.locked = True
    issue.save()
    client.force_login(UserFactory())

    assert address_on(client, "/acme/shop/-/issues/1/") is None
    assert address_on(client, "/acme/shop/-/issues/") is not None


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"address": "incoming@letterbox.localhost"}]
)
def test_no_address_where_no_mailbox_takes_mail(client, mailbox, issue, change):
    Mailbox.objects.update(**change)
    log_in(client, issue.project)

    page = client.get("/acme/shop/-/issues/").content.decode()

    assert "Email a new issue to this project" not in page
    assert not SenderToken.objects.exists()


def test_the_box_says_what_a_reset_does(client, mailbox, issue):
    log_in(client, issue.project)

    page = client.get("/acme/shop/-/issues/").content.decode()

    assert "Every private address of yours changes, in all projects and issues." in page
    assert "The old ones stop working at once" in page
    assert f'<form method="post" action="{RESET}">' in page


def test_reset_changes_every_address_and_leads_back(client, mailbox, issue):
    user = log_in(client, issue.project)
    before = address_on(client, "/acme/shop/-/issues/")

    response = client.post(RESET, {"next": "/acme/shop/-/issues/"}, follow=True)

    assert response.redirect_chain == [("/acme/shop/-/issues/", 302)]
    assert "Your private addresses are new." in response.content.decode()
    after = address_on(client, "/acme/shop/-/issues/")
    assert after != before
    assert SenderToken.objects.get(user=user).token in after


def test_a_get_of_the_reset_only_asks(client, mailbox, issue):
    log_in(client, issue.project)
    before = address_on(client, "/acme/shop/-/issues/")

    page = client.get(RESET).content.decode()

    assert "Reset your private addresses?" in page
    assert address_on(client, "/acme/shop/-/issues/") == before


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com", ""])
def test_reset_never_leads_to_another_site(client, elsewhere):
    client.force_login(UserFactory())

    response = client.post(RESET, {"next": elsewhere})

    assert response.headers["Location"] == "/account/"


@pytest.mark.parametrize("url", ["/account/", RESET])
def test_own_pages_need_log_in(client, url):
    assert client.get(url).headers["Location"] == f"/account/login/?next={url}"
    assert client.post(url).headers["Location"] == f"/account/login/?next={url}"
    assert not SenderToken.objects.exists()


def test_own_addresses(client):
    user = UserFactory(username="ada")
    EmailAddressFactory(user=user, email="ada@home.example.org", verified=False)
    EmailAddressFactory(email="other@example.com")
    client.force_login(user)

    page = " ".join(client.get("/account/").content.decode().split())

    own, other = page.split("ada@home.example.org")
    assert "ada@example.com" in own
    assert "gets your mail" in own
    assert "Verified" in own
    assert other.index("Not verified") < other.index("</li>")
    assert "other@example.com" not in page


def test_language_of_pages_and_mails(client):
    user = UserFactory(language="en")
    client.force_login(user)

    response = client.post("/account/", {"language": "ko"}, follow=True)

    user.refresh_from_db()
    assert user.language == "ko"
    assert response.client.cookies["django_language"].value == "ko"
    assert '<html lang="ko">' in response.content.decode()


def test_an_unknown_language_is_turned_down(client):
    user = UserFactory(language="en")
    client.force_login(user)

    response = client.post("/account/", {"language": "xx"})

    user.refresh_from_db()
    assert user.language == "en"
    assert (
        "Select a valid choice. xx is not one of the available choices."
        in response.content.decode()
    )


def test_issue_pages_of_a_private_project_give_no_address_to_outsiders(client, mailbox):
    project = ProjectFactory(visibility=Visibility.PRIVATE)
    client.force_login(services.create_user(username="bo", email="bo@example.com"))

    assert client.get(f"/{project.path}/-/issues/").status_code == 404
    assert not SenderToken.objects.exists()
