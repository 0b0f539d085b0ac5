"""Failed log-ins: counted by name and address, and nobody is kept out for ever by strangers."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.db.models import F

from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a-password-of-no-value"
TOO_MANY = 429
HOME = "198.51.100.7"


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.AXES_ENABLED = True
    settings.LOGIN_FAILURE_LIMIT = 3
    settings.LOGIN_ADDRESS_FAILURE_LIMIT = 5
    settings.LOGIN_NAME_FAILURE_LIMIT = 6


@pytest.fixture
def ada():
    user = UserFactory(username="ada", is_staff=True)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def log_in(client):
    def log_in(password="wrong", *, at, name="ada", page="/account/login/"):
        """Status; 302 where it was right."""
        form = {"login": name, "password": password}
        answer = client.post(page, form, headers={"x-forwarded-for": f"192.0.2.99, {at}"})
        client.cookies.clear()
        return answer.status_code

    return log_in


def test_a_name_is_tried_so_often_from_one_address(log_in, ada):
    assert [log_in(at="203.0.113.1") for _ in range(4)] == [200, 200, 429, 429]
    assert log_in(PASSWORD, at="203.0.113.1") == TOO_MANY
    assert log_in(PASSWORD, at="203.0.113.2") == 302


def test_one_address_tries_so_many_names(log_in, ada):
    said = [log_in(at="203.0.113.1", name=f"person-{number}") for number in range(6)]
    assert said == [200, 200, 200, 200, 429, 429]
    assert log_in(PASSWORD, at="203.0.113.1") == TOO_MANY
    assert log_in(PASSWORD, at="203.0.113.2") == 302
    for number in range(6):
        log_in(at="203.0.113.2", name=f"person-{number}")
    assert log_in(PASSWORD, at="203.0.113.2") == 302  # where she was before
    assert log_in("wrong", at="203.0.113.2", name="bo") == TOO_MANY


def test_one_network_of_ipv6_is_one_address(log_in, ada):
    said = [log_in(at=f"2a02:1:2:3::{number}") for number in range(4)]
    assert said == [200, 200, 429, 429]


def test_many_addresses_try_one_name_so_often_and_its_owner_still_gets_in(log_in, ada):
    assert log_in(PASSWORD, at=HOME) == 302
    said = [log_in(at=f"203.0.113.{number}") for number in range(8)]
    assert said == [200, 200, 200, 200, 200, 429, 429, 429]

    assert log_in(PASSWORD, at="203.0.113.99") == TOO_MANY
    assert log_in(PASSWORD, at=HOME) == 302


def test_a_lock_ends_an_hour_after_what_led_to_it(log_in, ada):
    for _ in range(3):
        log_in(at="203.0.113.1")
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=59))
    assert log_in(PASSWORD, at="203.0.113.1") == TOO_MANY  # and this one does not prolong it
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=2))
    assert log_in(PASSWORD, at="203.0.113.1") == 302


def test_a_right_password_forgets_the_failures_before(log_in, ada):
    said = [log_in(word, at=HOME) for word in ("a", "b", PASSWORD, "c", "d", PASSWORD)]
    assert said == [200, 200, 302, 200, 200, 302]


@pytest.mark.parametrize("limit", ["", "_ADDRESS", "_NAME"])
def test_0_is_no_limit(log_in, ada, settings, limit):
    for each in ("", "_ADDRESS", "_NAME"):
        setattr(settings, f"LOGIN{each}_FAILURE_LIMIT", 0 if each == limit else 1000)
    assert {log_in(at="203.0.113.1") for _ in range(12)} == {200}
