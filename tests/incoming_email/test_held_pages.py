"""Held mail on the project's page: who sees it, what is shown of it, and what the buttons do."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incoming_email.models import BlockedSender, InboundEmail, SenderToken
from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Note, Role
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servicedesk.world import as_received, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def maintainer(world, client):
    user = MembershipFactory(project=world.issue.project, role=Role.MAINTAINER).user
    client.force_login(user)
    return user


@pytest.fixture
def held(world):
    """From an address that the key's owner has not."""
    return hold(world)


def hold(world, body="<b>Let</b> me in", **fields):
    content = make_mail(
        to=world.reply_address(), sender="mallory@example.org", body=body, subject="Hi", **fields
    )
    row = world.receive(content)
    assert (row.status, row.reason) == (Status.HELD, Reason.SENDER_MISMATCH)
    return row


def pages_of(row):
    path = row.project.path
    return {
        "list": reverse("held-mail", args=[path]),
        "one": reverse("held-message", args=[path, row.pk]),
        "html": reverse("held-message-html", args=[path, row.pk]),
    }


def test_what_is_shown(held, maintainer, client):
    pages = pages_of(held)
    listed = client.get(pages["list"]).text
    assert "mallory@example.org" in listed
    assert str(Reason.SENDER_MISMATCH.label) in listed.replace("&#x27;", "'")
    shown = client.get(pages["one"]).text
    assert "Let" in shown
    assert "<b>Let</b>" not in shown
    issues = client.get(reverse("issue-list", args=[held.project.path])).text
    assert pages["list"] in issues


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_a_parser_a_sentence_says_what_to_do(
    held, maintainer, client, without_parser, method
):
    """And nothing is decided about what nobody has seen."""
    pages = pages_of(held)
    response = getattr(client, method)(pages["one"], {"release": "1"})
    assert response.status_code == 503
    assert "the process that reads messages does not start" in response.text
    assert "mallory@example.org" in response.text
    assert client.get(pages["html"]).status_code == 404
    held.refresh_from_db()
    assert held.status == Status.HELD


@pytest.mark.parametrize("page", ["list", "one"])
def test_what_is_released_without_effect_is_told(held, maintainer, client, page):
    """It is on no page of the project any more."""
    BlockedSender.objects.create(pattern=held.sender, project=held.project)
    asked = {"row": [held.pk], "release": ""}
    shown = client.post(pages_of(held)[page], asked, follow=True).text
    assert "1 message had no effect: The sender is blocked. An administrator can" in shown
    held.refresh_from_db()
    assert held.reason == Reason.BLOCKED_SENDER


def test_what_is_released_or_discarded_as_asked_is_said_once(world, held, maintainer, client):
    url = pages_of(held)["list"]
    other = hold(world)
    for row, button in ((held, "release"), (other, "discard")):
        assert "no effect" not in client.post(url, {"row": [row.pk], button: ""}, follow=True).text


@pytest.mark.parametrize("button", ["release", "discard"])
def test_nothing_is_decided_that_is_not_recorded(held, maintainer, client, monkeypatch, button):
    def fail(*_, **__):
        raise RuntimeError("cut")

    monkeypatch.setattr(LogEntry.objects, "log_actions", fail)
    with pytest.raises(RuntimeError, match="cut"):
        client.post(pages_of(held)["list"], {"row": [held.pk], button: ""})
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_html_is_in_a_frame_that_can_do_nothing(world, maintainer, client):
    row = hold(
        world, "<p>Hello <script>alert(1)</script></p>", Content_Type="text/html; charset=utf-8"
    )
    response = client.get(pages_of(row)["html"])
    assert "sandbox" in response["Content-Security-Policy"]
    assert "Hello" in response.text
    assert "alert" not in response.text


@pytest.mark.parametrize("role", [Role.GUEST, Role.DEVELOPER, None, "other project", "nobody"])
@pytest.mark.parametrize("page", ["list", "one", "html"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_else_sees_or_does_anything(held, client, role, page, method):
    if role != "nobody":
        project = ProjectFactory() if role == "other project" else held.project
        given = Role.OWNER if role == "other project" else role or Role.REPORTER
        client.force_login(MembershipFactory(project=project, role=given).user)
    data = {"release": "1", "row": held.pk} if method == "post" else {}
    response = getattr(client, method)(pages_of(held)[page], data)
    assert response.status_code in {302, 404, 405}
    if response.status_code == 302:
        assert response.url.startswith(reverse("account_login"))
    held.refresh_from_db()
    assert held.status == Status.HELD


def test_a_message_of_another_project_is_not_found(held, client):
    other = MembershipFactory(role=Role.OWNER)
    client.force_login(other.user)
    url = reverse("held-message", args=[other.project.path, held.pk])
    assert client.get(url).status_code == 404
    client.post(reverse("held-mail", args=[other.project.path]), {"row": held.pk, "discard": "1"})
    held.refresh_from_db()
    assert held.status == Status.HELD


@pytest.mark.parametrize("page", ["list", "one"])
def test_release(held, maintainer, client, page):
    client.post(pages_of(held)[page], {"release": "1", "row": [held.pk, "x", "9" * 30]})
    held.refresh_from_db()
    assert held.status == Status.PROCESSED
    assert "Let" in Note.objects.get(system=False).body
    assert LogEntry.objects.get().user == maintainer


def test_discard_many(world, maintainer, client):
    rows = [hold(world, f"{n}") for n in range(3)]
    client.post(pages_of(rows[0])["list"], {"discard": "1", "row": [row.pk for row in rows[:2]]})
    found = InboundEmail.objects.order_by("pk").values_list("status", flat=True)
    assert list(found) == [Status.IGNORED, Status.IGNORED, Status.HELD]
    again = client.post(pages_of(rows[0])["list"], {"discard": "1", "row": rows[0].pk}, follow=True)
    assert "Nothing was changed" in again.text


def test_no_key_of_the_persons_is_shown(world, maintainer, client):
    address = world.issue_address()
    row = hold(world, f"My address is {address}")
    token = SenderToken.objects.get().token
    shown = client.get(pages_of(row)["one"]).text
    assert token[:4] in shown
    assert token not in shown + client.get(pages_of(row)["html"]).text


def test_what_is_about_another_project_is_for_administrators(world, maintainer, client):
    """A member forwards an internal note of one project to the address of another."""
    other = ProjectFactory()
    member = world.member
    agent = MembershipFactory(project=other, role=Role.DEVELOPER).user
    MembershipFactory(project=other, user=member, role=Role.REPORTER)
    issue = services.create_issue(project=other, author=agent, title="Layoffs")
    services.subscribe(user=member, item=issue)
    services.create_note(item=issue, author=agent, body="All of them", internal=True)
    told = as_received(sent_to(member.email)[-1])
    row = world.receive(
        make_mail(
            to=world.issue_address(),
            sender=member.email,
            subject=f"Fwd: {told['Subject']}",
            body="All of them",
            References=f"{told['References']} {told['Message-ID']}",
        )
    )
    assert (row.status, row.reason) == (Status.HELD, Reason.INTERNAL_ANSWER)
    pages = pages_of(row)
    for page in ("list", "one"):
        assert "Layoffs" not in client.get(pages[page]).text
        client.post(pages[page], {"release": "1", "row": row.pk})
    assert "All of them" not in client.get(pages["one"]).text
    assert client.get(pages["html"]).status_code == 404
    row.refresh_from_db()
    assert row.status == Status.HELD


def test_queries_do_not_grow_with_the_list(world, maintainer, client):
    url = pages_of(hold(world))["list"]

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    count()
    once = count()
    hold(world, "2")
    hold(world, "3")
    assert count() == once
