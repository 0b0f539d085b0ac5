"""Second factors: set up and asked for at log-in, required of staff, taken away where lost."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.urls import reverse

from issues.models import OutgoingEmail
from tests.admin_site import issues_url as url
from tests.admin_site import make_operator
from tests.factories import PASSWORD, UserFactory
from tests.issues.one_time_codes import make_code

pytestmark = pytest.mark.django_db
MFA, LOGIN = "/account/second-factor/", "/account/login/"


@pytest.fixture(autouse=True)
def _no_limits_of_earlier_tests():
    cache.clear()


def set_up(client, user):
    """An authenticator app; the secret that it has, and the recovery codes."""
    client.force_login(user)
    activate = f"{MFA}totp/activate/"
    assert "reauthenticate" in client.get(activate).headers["Location"]
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    secret = re.search(r"[A-Z2-7]{32}", client.get(activate).text)[0]
    client.post(activate, {"code": make_code(secret)})
    codes = client.get(f"{MFA}recovery-codes/").text
    client.logout()
    cache.clear()  # a code counts once
    return secret, re.findall(r"\b\d{8}\b", codes)


def log_in(client, user, code):
    client.logout()
    first = client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    assert first.headers["Location"].startswith(f"{MFA}authenticate/")
    assert "_auth_user_id" not in client.session
    client.post(f"{MFA}authenticate/", {"code": code})
    return "_auth_user_id" in client.session


@pytest.fixture
def ada():
    return UserFactory(username="ada")


def test_after_the_password_a_code_is_asked_for(client, ada):
    secret, recovery_codes = set_up(client, ada)

    assert len(recovery_codes) == 10
    assert log_in(client, ada, make_code(secret))
    assert not log_in(client, ada, make_code(secret)), "a code counts once"
    assert not log_in(client, ada, make_code(secret, time.time() - 3600))
    assert log_in(client, ada, recovery_codes[3])
    assert not log_in(client, ada, recovery_codes[3])


def test_the_person_is_told_of_a_new_second_factor(client, ada, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        set_up(client, ada)

    assert "ada@example.com" in OutgoingEmail.objects.values_list("recipient", flat=True)


def test_codes_are_not_guessed(client, ada):
    secret, _codes = set_up(client, ada)
    for _ in range(5):
        assert not log_in(client, ada, make_code(secret, time.time() - 3600))

    assert not log_in(client, ada, make_code(secret))


def test_a_password_set_anew_leaves_the_second_factor(client, ada):
    set_up(client, ada)
    client.post("/account/password/reset/", {"email": ada.email})
    text = OutgoingEmail.objects.filter(text__contains="/reset/key/").get().text
    form = client.get(re.search(r"/account/\S+", text)[0], follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "correct-horse-battery", "password2": "correct-horse-battery"})

    answer = client.post(LOGIN, {"login": "ada", "password": "correct-horse-battery"})

    assert answer.headers["Location"].startswith(f"{MFA}authenticate/")


def test_seeds_are_encrypted(client, ada):
    secret, _codes = set_up(client, ada)

    stored = {row.type: row.data for row in Authenticator.objects.all()}
    assert set(stored) == {"totp", "recovery_codes"}
    assert stored["totp"]["secret"].startswith("gAAAA")
    assert stored["recovery_codes"]["seed"].startswith("gAAAA")
    assert secret not in str(stored)


def test_without_its_key_no_code_is_right_and_none_can_be_worked_out(client, ada, settings):
    secret, recovery_codes = set_up(client, ada)
    settings.ENCRYPTION_KEYS = ["another"]

    assert not log_in(client, ada, make_code(secret))
    assert not log_in(client, ada, recovery_codes[0])


def test_staff_set_up_a_second_factor_before_the_console_opens(client, settings):
    settings.REQUIRE_STAFF_SECOND_FACTOR = True
    boss = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(boss)

    for path in ("/admin/", "/admin/dashboard/", url("user", "changelist")):
        assert client.get(path).headers["Location"] == MFA
    assert "the console requires one" in client.get(MFA).text
    assert client.get("/").status_code == 200
    set_up(client, boss)
    client.force_login(boss)
    assert client.get("/admin/").status_code == 200
    Authenticator.objects.exclude(type="recovery_codes").delete()
    assert client.get("/admin/").status_code == 302
    assert client.post(reverse("admin:logout")).headers["Location"] == LOGIN


def test_nobody_else_is_kept_out(client, settings):
    client.force_login(UserFactory(is_staff=True))
    assert client.get("/admin/").status_code == 200, "it is off by default"
    settings.REQUIRE_STAFF_SECOND_FACTOR = True
    client.force_login(UserFactory())
    assert client.get("/account/").status_code == 200


def press_reset(client, *users):
    chosen = {"action": "reset_second_factor", "_selected_action": [user.pk for user in users]}
    client.post(url("user", "changelist"), chosen)


def test_an_administrator_takes_a_lost_second_factor_away(client, ada, admin_user):
    set_up(client, ada)
    OutgoingEmail.objects.all().delete()
    client.force_login(admin_user)

    press_reset(client, ada, UserFactory())

    assert not Authenticator.objects.exists()
    assert [row.recipient for row in OutgoingEmail.objects.all()] == ["ada@example.com"]
    logged = LogEntry.objects.get()
    assert (logged.object_id, logged.user) == (str(ada.pk), admin_user)
    assert "second factor" in logged.get_change_message()
    client.logout()
    answer = client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    assert answer.headers["Location"] == "/"


def test_who_may_only_edit_people_does_not(client, ada):
    set_up(client, ada)
    client.force_login(make_operator("view_user", "change_user"))

    press_reset(client, ada)

    assert Authenticator.objects.exists()
