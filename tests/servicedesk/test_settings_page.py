"""The desk's settings: on by one click, texts tried first, problems said at the field."""

import pytest
from django.urls import reverse

from issues.models import Role, Visibility
from servicedesk.models import CannedReply, ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.servicedesk.world import make_desk

pytestmark = pytest.mark.django_db

FORM = {"strangers": "hold", "reopen": "on"}


@pytest.fixture
def project():
    return ProjectFactory(path="acme/shop", visibility=Visibility.PRIVATE)


@pytest.fixture
def maintainer(client, project):
    user = MembershipFactory(project=project, role=Role.MAINTAINER).user
    client.force_login(user)
    return user


def url_of(page, project, *args):
    return reverse(page, args=[project.path, *args])


@pytest.mark.parametrize(
    ("page", "args"), [("desk-settings", ()), ("desk-switch", ()), ("canned-replies", ())]
)
@pytest.mark.parametrize("role", [Role.GUEST, Role.DEVELOPER])
def test_only_who_leads_the_project_gets_there(client, project, page, args, role):
    client.force_login(MembershipFactory(project=project, role=role).user)
    assert client.post(url_of(page, project, *args), {"enabled": "1"}).status_code == 404
    client.logout()
    assert client.get(url_of(page, project, *args)).status_code == 302
    assert not ServiceDesk.objects.exists()


@pytest.mark.usefixtures("maintainer")
def test_one_click_switches_it_on_and_shows_the_address(client, project):
    make_smtp_mailbox()
    page = client.get(url_of("desk-settings", project)).text
    assert "The service desk is off" in page
    page = client.post(url_of("desk-switch", project), {"enabled": "1"}, follow=True).text
    assert ServiceDesk.objects.get().enabled
    assert f'value="incoming+acme-shop-{project.pk}-issue-@letterbox.localhost"' in page
    client.post(url_of("desk-switch", project), {"enabled": "0"})
    assert not ServiceDesk.objects.get().enabled


@pytest.mark.usefixtures("maintainer")
def test_without_a_mailbox_it_is_said_what_is_missing(client, project):
    assert "No mailbox takes mail for the service desk." in (
        client.get(url_of("desk-settings", project)).text
    )


@pytest.mark.usefixtures("maintainer")
def test_settings_are_saved_and_the_switch_stays_as_it_is(client, project):
    ServiceDesk.objects.create(project=project, enabled=True)
    form = FORM | {"outgoing_name": "Shop", "add_cc": "on", "thank_you": "Hi %{ISSUE_ID}"}
    response = client.post(url_of("desk-settings", project), form)
    assert response.status_code == 302
    desk = ServiceDesk.objects.get()
    assert (desk.enabled, desk.outgoing_name, desk.add_cc) == (True, "Shop", True)
    assert (desk.confidential, desk.thank_you) == (False, "Hi %{ISSUE_ID}")


@pytest.mark.usefixtures("maintainer")
def test_an_unknown_placeholder_is_an_error_at_its_field(client, project):
    form = FORM | {"new_note": "%{ NOTE } for %{NAME}"}
    response = client.post(url_of("desk-settings", project), form)
    assert response.status_code == 400
    (error,) = response.context["form"].errors["new_note"]
    assert error == "There is no placeholder %{NOTE}, %{NAME}. Correct it or take it out."
    assert not ServiceDesk.objects.exists()


@pytest.mark.usefixtures("maintainer")
@pytest.mark.parametrize(
    ("column", "text", "unread"),
    [
        ("new_note", "Hello! %{UNSUBSCRIBE_URL}", ["NOTE_TEXT}: customers will not read your"]),
        ("new_note", "%{ NOTE_TEXT }", ["UNSUBSCRIBE_URL}: customers will not read how"]),
        ("thank_you", "%{ISSUE_PATH} %{UNSUBSCRIBE_URL}", []),
        ("thank_you", "Hi", ["ISSUE_ID}: customers will", "UNSUBSCRIBE_URL}: customers will"]),
        (
            "new_participant",
            "%{ISSUE_URL} %{UNSUBSCRIBE_URL}",
            ["ISSUE_DESCRIPTION}: new participants will not read what it is about"],
        ),
        ("new_participant", "", []),
    ],
)
def test_what_customers_will_not_read_is_said_when_it_is_saved(
    client, project, column, text, unread
):
    page = client.post(url_of("desk-settings", project), FORM | {column: text}, follow=True).text
    assert getattr(ServiceDesk.objects.get(), column) == text
    for words in unread:
        assert f"has no %{{{words}" in page
    assert page.count("has no %{") == len(unread)


@pytest.mark.usefixtures("maintainer")
def test_a_key_of_another_project_is_refused_at_its_field(client, project):
    ServiceDesk.objects.create(project=ProjectFactory(), key="shop")
    response = client.post(url_of("desk-settings", project), FORM | {"key": "shop"})
    assert response.context["form"].errors == {
        "key": ["Another project has this key. Choose another one."]
    }


@pytest.mark.usefixtures("maintainer")
def test_in_a_public_project_tickets_stay_confidential(client, project):
    project.visibility = Visibility.PUBLIC
    project.save()
    client.post(url_of("desk-settings", project), FORM)
    assert ServiceDesk.objects.get().confidential


@pytest.mark.usefixtures("maintainer")
def test_the_preview_fills_in_the_typed_text_and_saves_nothing(client, project):
    form = FORM | {"thank_you": "**Hello** %{ISSUE_ID} <script>x</script>", "preview": "part"}
    page = client.post(url_of("desk-settings", project), form).text
    assert "<strong>Hello</strong> #42" in page
    assert "<script" not in page
    assert "<html" not in page
    whole = client.post(url_of("desk-settings", project), form | {"preview": "page"}).text
    assert "<strong>Hello</strong> #42" in whole
    assert "<h1" in whole
    assert not ServiceDesk.objects.exists()


@pytest.mark.usefixtures("maintainer")
def test_the_preview_has_the_language_that_customers_read(client, project, settings):
    client.cookies["django_language"] = "ko"
    page = client.get(url_of("desk-settings", project)).text
    assert "Thank you for contacting us." in page
    settings.LANGUAGE_CODE = "ko"
    assert "Thank you for contacting us." not in client.get(url_of("desk-settings", project)).text


@pytest.mark.usefixtures("maintainer")
def test_canned_replies_are_made_changed_and_deleted(client, project):
    page = url_of("canned-replies", project)
    client.post(page, {"title": "Hello", "text": "Thanks for %{ISSUE_ID}"})
    reply = CannedReply.objects.get()
    assert (reply.project, reply.title) == (project, "Hello")
    own = url_of("canned-reply", project, reply.pk)
    client.post(own, {"title": "Hello!", "text": "x"})
    assert CannedReply.objects.get().title == "Hello!"
    again = client.post(page, {"title": "hello!", "text": "y"})
    assert "There is a canned reply with this title already." in again.text
    wrong = client.post(page, {"title": "New", "text": "%{UNSUBSCRIBE_URL}"})
    assert "There is no placeholder %{UNSUBSCRIBE_URL}." in wrong.text
    client.post(own, {"delete": "1"})
    assert not CannedReply.objects.exists()


@pytest.mark.usefixtures("maintainer")
def test_a_canned_reply_of_another_project_is_not_there(client, project):
    other = CannedReply.objects.create(project=ProjectFactory(), title="x", text="y")
    assert client.post(url_of("canned-reply", project, other.pk)).status_code == 404


def test_pages_have_no_inline_script_or_style(client):
    desk = make_desk()
    client.force_login(MembershipFactory(project=desk.project, role=Role.OWNER).user)
    for page in ("desk-settings", "canned-replies", "ticket-list"):
        text = client.get(url_of(page, desk.project)).text
        assert "<style" not in text
        assert "style=" not in text
        assert text.count("<script") == text.count("<script src=")
