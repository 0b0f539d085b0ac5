"""Erasing a person in the admin: shown first, confirmed, for superusers, and kept on record."""

import pytest

from incoming_email.models import Erasure
from issues.models import User
from tests.admin_site import incoming_url, make_operator
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_it_is_shown_first_and_done_by_the_second_word(admin, admin_user):
    UserFactory(username="ada")
    address = incoming_url("erasure", "add")
    assert admin.get(address).status_code == 200
    shown = admin.post(address, {"person": "ada"})
    assert "accounts: 1" in shown.text
    assert User.objects.filter(username="ada").exists()
    done = admin.post(address, {"person": "ada", "confirm": "yes"}, follow=True)
    assert "Erased. Backups still contain it" in done.text
    assert not User.objects.filter(username="ada").exists()
    row = Erasure.objects.get()
    assert row.erased_by == admin_user
    page = admin.get(incoming_url("erasure", "change", row.pk))
    assert "accounts: 1" in page.text
    assert "Delete" not in page.text


def test_nobody_and_oneself_are_refused(admin, admin_user):
    address = incoming_url("erasure", "add")
    assert "There is no account" in admin.post(address, {"person": "x", "confirm": "y"}).text
    refused = admin.post(address, {"person": admin_user.username, "confirm": "yes"})
    assert "erase yourself" in refused.text
    assert not Erasure.objects.exists()


def test_only_superusers_may(client):
    client.force_login(make_operator("add_erasure"))
    response = client.post(incoming_url("erasure", "add"), {"person": "ada"})
    assert response.status_code == 403
