"""Log-in, passwords and addresses of one's own: at allauth's pages, by our rules."""

import re
import time
from urllib.parse import quote, unquote

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from issues import services
from issues.admin.redaction import redact_text
from issues.bearer_secrets import cut_secrets
from issues.models import OutgoingEmail, User
from tests.factories import PASSWORD, EmailAddressFactory, UserFactory

pytestmark = pytest.mark.django_db
LOGIN, RESET, EMAIL = "/account/login/", "/account/password/reset/", "/account/email/"
LINK = re.compile(r"http://127\.0\.0\.1:8000(/account/\S+)")


@pytest.fixture(autouse=True)
def _no_limits_of_earlier_tests():
    cache.clear()


@pytest.fixture
def ada():
    ada = UserFactory(username="ada", email="ada@example.com")
    EmailAddressFactory(user=ada, email="phone@example.org")
    EmailAddressFactory(user=ada, email="claimed@example.org", verified=False)
    return ada


def log_in(client, login, password=PASSWORD):
    """Whether it worked."""
    client.logout()
    answer = client.post(LOGIN, {"login": login, "password": password})
    return answer.status_code == 302 and "_auth_user_id" in client.session


@pytest.mark.parametrize(
    ("login", "works"),
    [
        ("ada", True),
        ("ada@example.com", True),
        (" PHONE@example.org", True),
        ("claimed@example.org", False),
        ("nobody", False),
    ],
)
def test_one_logs_in_by_name_or_verified_address(client, ada, login, works):
    assert log_in(client, login) is works
    assert not log_in(client, login, "wrong")


def test_an_address_that_is_only_in_the_account_is_no_name(client):
    UserFactory(email="bo@example.com", address=False)

    assert not log_in(client, "bo@example.com")


def test_who_is_not_active_does_not_log_in(client, ada):
    User.objects.update(is_active=False)

    assert not log_in(client, "ada")


def test_failures_count_for_the_account_whatever_name_was_given(client, ada, settings):
    settings.AXES_ENABLED, settings.LOGIN_FAILURE_LIMIT = True, 3

    assert log_in(client, "ada")
    for login in ("ada", "ada@example.com", "phone@example.org"):
        assert not log_in(client, login, "wrong")

    assert not log_in(client, "ada")
    assert not log_in(client, "phone@example.org")


def test_the_password_that_is_asked_again_is_under_the_same_limit(client, ada, settings):
    settings.AXES_ENABLED, settings.LOGIN_FAILURE_LIMIT = True, 3
    client.force_login(ada)

    for _ in range(3):
        client.post("/account/reauthenticate/", {"password": "wrong"})

    assert not log_in(client, "ada")


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/login/"])
def test_there_is_one_log_in(client, path):
    answer = client.get(path, {"next": "/admin/"}, follow=True)

    assert answer.redirect_chain[-1][0].startswith(LOGIN)
    assert "next=" in answer.redirect_chain[-1][0]


def test_nobody_signs_up(client):
    form = {"username": "eve", "email": "eve@example.com", "password1": "correct-horse-battery"}

    client.post("/account/signup/", form)

    assert not User.objects.filter(username="eve").exists()


def read_link(**of):
    row = OutgoingEmail.objects.get(**of)
    link = LINK.search(row.text)
    assert link
    assert link[1] not in redact_text(row.text)
    return link[1]


def test_a_forgotten_password_is_set_anew(client, ada):
    User.objects.update(language="ko")

    client.post(RESET, {"email": "Phone@example.org"}, headers={"host": "localhost"})

    row = OutgoingEmail.objects.get()
    assert (row.recipient, row.envelope_sender) == ("phone@example.org", "")
    assert row.headers["Auto-Submitted"] == "auto-generated"
    assert re.search("[가-힣]", row.subject)
    form = client.get(read_link(), follow=True)
    new = {"password1": "correct-horse-battery", "password2": "correct-horse-battery"}
    client.post(form.redirect_chain[-1][0], new)
    assert not log_in(client, "ada")
    assert log_in(client, "ada", "correct-horse-battery")
    assert OutgoingEmail.objects.count() == 2, "the person is told"


@pytest.mark.parametrize("email", ["claimed@example.org", "stranger@example.org", "bo@example.com"])
def test_nobody_is_mailed_at_an_address_that_is_not_verified(client, ada, email):
    UserFactory(email="bo@example.com", address=False)

    answer = client.post(RESET, {"email": email})

    assert (
        answer.headers["Location"] == client.post(RESET, {"email": ada.email}).headers["Location"]
    )
    assert [row.recipient for row in OutgoingEmail.objects.all()] == ["ada@example.com"]


def test_a_reset_goes_to_the_stored_address_only(client):
    """Whatever folds to it: CVE-2019-19844."""
    UserFactory(email="mike@example.com")

    for email in ("m\u0131ke@example.com", "mi\u212ae@example.com", "MIKE@example.com"):
        client.post(RESET, {"email": email})

    assert {row.recipient for row in OutgoingEmail.objects.all()} == {"mike@example.com"}


def test_an_added_address_counts_once_it_is_verified(client, ada):
    client.force_login(ada)
    add = {"email": "New@example.org", "action_add": ""}

    asked = client.post(EMAIL, add)
    assert asked.headers["Location"].startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post(EMAIL, add)

    added = EmailAddress.objects.filter(email="new@example.org", user=ada)
    assert [row.verified for row in added.all()] == [False]
    client.post(read_link(recipient="new@example.org"))
    assert [row.verified for row in added.all()] == [True]
    assert log_in(client, "new@example.org")


def test_no_address_is_added_without_its_mail(client, ada, monkeypatch):
    def fail(**_):
        raise RuntimeError("cut")

    monkeypatch.setattr(services, "write_account_mail", fail)
    assert log_in(client, "ada")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    with pytest.raises(RuntimeError, match="cut"):
        client.post(EMAIL, {"email": "new@example.org", "action_add": ""})
    assert not EmailAddress.objects.filter(email="new@example.org").exists()


def test_who_takes_another_address_for_mail_tells_the_old_one(client, ada):
    assert log_in(client, "ada")

    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post(EMAIL, {"email": "phone@example.org", "action_primary": ""})

    ada.refresh_from_db()
    assert ada.email == "phone@example.org"
    assert [row.recipient for row in OutgoingEmail.objects.all()] == ["ada@example.com"]


def test_nobody_has_us_write_to_strangers_all_day(client, ada, settings, monkeypatch):
    """Whoever adds an address and removes it again has another mail sent each time."""
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 86_400
    log_in(client, "ada")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    start, answers = time.time(), []

    for minute in range(8):
        moment = start + 61 * minute
        monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda now=moment: now)
        for number in range(5):
            stranger = {"email": f"stranger{minute}-{number}@example.net"}
            answers.append(client.post(EMAIL, {**stranger, "action_add": ""}).status_code)
            client.post(EMAIL, {**stranger, "action_remove": ""})

    assert answers.count(429) == 25
    assert OutgoingEmail.objects.filter(recipient__startswith="stranger").count() == 15


def test_nobody_has_us_write_to_a_person_all_day(client, ada, monkeypatch):
    start = time.time()

    for minute in range(5):
        moment = start + 61 * minute
        monkeypatch.setattr("allauth.core.internal.ratelimit.time.time", lambda now=moment: now)
        for _ in range(5):
            client.post(RESET, {"email": ada.email})

    assert OutgoingEmail.objects.count() == 10


@pytest.mark.parametrize("kind", ["password", "address", "invitation"])
@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda link: link.replace("/", "/\n> "),
        lambda link: link.replace("-", "-\n> "),
        lambda link: f"https://x.safelinks.example/?url={quote(link, safe='')}&data=05",
    ],
    ids=["as it is", "broken at slashes", "broken at hyphens", "wrapped"],
)
def test_a_link_that_comes_back_in_a_mail_is_of_no_use(client, ada, kind, write):
    """Whoever reads it in a text could set the person's password, or verify what is not theirs."""
    if kind == "password":
        client.post(RESET, {"email": ada.email})
        link = LINK.search(OutgoingEmail.objects.get().text)[0]
    elif kind == "address":
        key = EmailConfirmationHMAC(ada.emailaddress_set.first()).key
        link = f"http://127.0.0.1:8000{reverse('account_confirm_email', args=[key])}"
    else:
        services.invite(
            user=UserFactory(email="new@example.com", address=False), now=timezone.now()
        )
        link = LINK.search(OutgoingEmail.objects.get().text)[0]
    secret = link.rstrip("/").rpartition("/")[2]

    (text,) = cut_secrets(f"Look:\n> {write(link)} and so on")

    assert secret not in re.sub(r"[\s>]", "", unquote(text))
    assert text.startswith("Look:\n> ")
    assert text.endswith("and so on")


MFA = "/account/second-factor/"
MFA_PAGES = (
    *("", "totp/activate/", "recovery-codes/", "recovery-codes/generate/"),
    *("webauthn/add/", "reauthenticate/"),
)
KOREAN = re.compile("[가-힣]")
WORDS = re.compile(r">[^<>]*[a-z]{3,} [a-z]{2,}[^<>]*<")


@pytest.mark.parametrize(
    "path",
    [
        *(LOGIN, RESET, f"{RESET}done/", f"{RESET}key/1-set-password/", f"{RESET}key/done/"),
        *("/account/signup/", "/account/inactive/", "/account/confirm-email/x/"),
        *(EMAIL, "/account/password/change/", "/account/reauthenticate/", "/account/logout/"),
        *(f"{MFA}{page}" for page in MFA_PAGES),
    ],
)
def test_pages_are_in_korean_and_in_our_frame(client, ada, path):
    if path.startswith((EMAIL, "/account/password/change", "/account/re", "/account/logout", MFA)):
        client.force_login(ada)
        client.post("/account/reauthenticate/", {"password": PASSWORD})
        RecoveryCodes.activate(ada)

    page = client.get(path, headers={"accept-language": "ko"}).text

    assert 'id="main"' in page
    body = page.partition("<main")[2].partition("</main>")[0]
    assert KOREAN.search(body)
    assert not WORDS.findall(body), WORDS.findall(body)
