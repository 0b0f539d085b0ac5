"""Every page has a strict policy, and no page of ours needs more than it allows."""

import pytest
from django.urls import reverse

from config.policy import HEADER, POLICY
from issues.models import Role
from tests.factories import PASSWORD, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/account/login/", "/admin/login/", "/nowhere/", "/health/"])
def test_every_page_has_the_policy(client, path):
    assert client.get(path)[HEADER] == POLICY
    assert "unsafe" not in POLICY


def test_the_form_of_a_periodic_task_has_no_script_of_its_own(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:django_celery_beat_periodictask_add")).text
    assert "periodic_task.js" in page
    assert "<script>" not in page
    assert 'id="periodic-task-overrides"' not in page


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/account/email/", "/account/password/change/", "/account/second-factor/"),
        *("/account/second-factor/totp/activate/", "/shop/-/issues/new/", "/shop/-/mail/"),
    ],
)
def test_no_page_of_a_person_is_kept(client, path):
    ada = UserFactory()
    MembershipFactory(user=ada, project=ProjectFactory(path="shop"), role=Role.MAINTAINER)
    client.force_login(ada)
    client.post("/account/reauthenticate/", {"password": PASSWORD})

    page = client.get(path)

    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert "private" in page["Cache-Control"]
