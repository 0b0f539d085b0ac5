"""People and their addresses."""

import re
import time
from unittest import mock

import pytest
from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from issues import services
from issues.admin.redaction import redact_text
from issues.models import (
    Note,
    OutgoingEmail,
    User,
)
from tests.admin_site import issues_url as url
from tests.admin_site import make_operator
from tests.factories import (
    MembershipFactory,
    NoteFactory,
    UserFactory,
)
from tests.issues.admin.issues_rows import make_upload

pytestmark = pytest.mark.django_db


def new_person(**more):
    return {
        "username": "ada",
        "email": "Ada@Example.com",
        "usable_password": "true",
        "password1": "correct-horse-battery",
        "password2": "correct-horse-battery",
        **more,
    }


def test_a_new_person_has_a_verified_address(admin):
    admin.post(url("user", "add"), new_person())

    ada = User.objects.get(username="ada")
    address = EmailAddress.objects.get(user=ada)
    assert (ada.email, address.email) == ("ada@example.com", "ada@example.com")
    assert (address.verified, address.primary) == (True, True)
    assert ada.check_password("correct-horse-battery")


@pytest.mark.parametrize("email", ["", "taken@example.com", "TAKEN@example.com"])
def test_a_new_person_needs_an_address_of_their_own(admin, email):
    UserFactory(email="taken@example.com")

    response = admin.post(url("user", "add"), new_person(email=email))

    assert "email" in response.context["adminform"].errors
    assert not User.objects.filter(username="ada").exists()


def test_who_is_invited_sets_the_password_by_a_link_that_verifies_the_address(admin, client):
    admin.post(url("user", "add"), new_person(invite="on", password1="", password2=""))

    ada = User.objects.get(username="ada")
    assert not ada.has_usable_password()
    assert not ada.emailaddress_set.get().verified
    row = OutgoingEmail.objects.get(recipient="ada@example.com")
    link = re.search(r"http://127\.0\.0\.1:8000(/account/invitation/\S+)", row.text)[1]
    assert link not in redact_text(row.text)
    form = {"password1": "correct-horse-battery", "password2": "correct-horse-battery"}
    stranger = Client()
    assert "ada@example.com" in stranger.get(link).text
    assert stranger.post(link, form | {"password2": "other"}).status_code == 200
    assert stranger.post(link, form).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password("correct-horse-battery")
    assert ada.emailaddress_set.get().verified
    assert stranger.get(link).status_code == 404, "it works once"


def test_the_form_says_what_becomes_of_an_invitation(admin, settings):
    settings.INVITATION_DAYS = 3
    page = admin.get(url("user", "add")).text
    assert "They get a mail with a link, valid for 3 days, by which they set their password" in page
    assert "outgoing mail is not set up: set EMAIL_URL before you invite somebody" in page
    settings.INVITATION_DAYS, settings.EMAIL_BACKEND = 1, "issues.sending.EmailBackend"
    page = admin.get(url("user", "add")).text
    assert "valid for 1 day, by which" in page
    assert "EMAIL_URL" not in page


def test_who_invites_again_is_told_where_no_mail_leaves_the_machine(admin, settings):
    chosen = {"action": "invite", "_selected_action": [UserFactory().pk]}
    assert "set EMAIL_URL" in admin.post(url("user", "changelist"), chosen, follow=True).text
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    assert "EMAIL_URL" not in admin.post(url("user", "changelist"), chosen, follow=True).text


@pytest.mark.parametrize(("days", "status"), [(6, 200), (8, 404)])
def test_an_invitation_ends(client, days, status):
    ada = UserFactory(address__verified=False)
    with mock.patch.object(signing.time, "time", return_value=time.time() - days * 86400):
        services.invite(user=ada, now=timezone.now())
    link = re.search(r"/account/invitation/\S+", OutgoingEmail.objects.get().text)[0]

    assert client.get(link).status_code == status
    assert client.get("/account/invitation/WzEsMl0:1:x/").status_code == 404


def test_only_who_never_logged_in_is_invited_again(client):
    new, old, admin = UserFactory(), UserFactory(last_login=timezone.now()), UserFactory()
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    client.force_login(make_operator("view_user", "change_user"))
    chosen = {"action": "invite", "_selected_action": [new.pk, old.pk, admin.pk]}

    client.post(url("user", "changelist"), chosen)

    assert [row.recipient for row in OutgoingEmail.objects.all()] == [new.email]
    assert [log.get_change_message() for log in LogEntry.objects.all()] == ["Invited."]


def person_form(user, **more):
    return {
        "username": user.username,
        "email": user.email,
        "language": "ko",
        "is_active": "on",
        "date_joined_0": "2024-05-01",
        "date_joined_1": "12:00:00",
        "emailaddress_set-TOTAL_FORMS": "1",
        "emailaddress_set-INITIAL_FORMS": "0",
        "emailaddress_set-0-user": str(user.pk),
        "emailaddress_set-0-email": "Other@Example.com",
        **more,
    }


def test_an_address_is_added_in_lower_case(admin):
    user = UserFactory(address=False)

    admin.post(url("user", "change", user.pk), person_form(user))

    user.refresh_from_db()
    assert user.language == "ko"
    assert [row.email for row in user.emailaddress_set.all()] == ["other@example.com"]


def test_who_may_edit_people_makes_nobody_an_administrator(client):
    editor = make_operator("change_user")
    client.force_login(editor)

    client.post(
        url("user", "change", editor.pk),
        person_form(editor, is_superuser="on", is_staff="on", first_name="Eve")
        | {"emailaddress_set-TOTAL_FORMS": "0"},
    )

    editor.refresh_from_db()
    assert editor.first_name == "Eve"
    assert not editor.is_superuser


def test_who_may_edit_people_does_not_edit_an_administrator(client, admin_user):
    client.force_login(make_operator("change_user"))

    answer = client.post(url("user", "change", admin_user.pk), person_form(admin_user))
    password = client.post(
        reverse("admin:auth_user_password_change", args=[admin_user.pk]),
        {"password1": "correct-horse-battery", "password2": "correct-horse-battery"},
    )

    assert (answer.status_code, password.status_code) == (403, 403)


def test_a_person_with_everything_can_be_deleted(admin):
    note = NoteFactory()
    make_upload(issue=note.issue)
    MembershipFactory(user=note.author)

    admin.post(url("user", "delete", note.author.pk), {"post": "yes"})

    assert not User.objects.filter(pk=note.author.pk).exists()
    assert Note.objects.get().author is None
