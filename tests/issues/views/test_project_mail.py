"""Maintainers say what their project takes by mail."""

import pytest

from issues.models import MAIL_FIELDS, Project, Role
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/acme/shop/-/mail/"


def log_in(client, role):
    membership = MembershipFactory(project__path="acme/shop", role=role)
    client.force_login(membership.user)


def find_on():
    (row,) = Project.objects.values(*MAIL_FIELDS)
    return {name for name, is_on in row.items() if is_on}


def test_each_is_switched_by_itself(client):
    log_in(client, Role.MAINTAINER)
    assert find_on() == {name for name in MAIL_FIELDS if name.endswith("_by_mail")}
    page = client.get(PAGE).text
    assert all(f'name="{name}"' in page for name in MAIL_FIELDS)

    client.post(PAGE, {"issues_by_mail": "on", "mail_needs_second_factor": "on"})
    assert find_on() == {"issues_by_mail", "mail_needs_second_factor"}
    client.post(PAGE)
    assert find_on() == set()


def test_others_have_no_such_page(client):
    log_in(client, Role.DEVELOPER)
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE).status_code == 404
    client.force_login(UserFactory())
    assert client.get(PAGE).status_code == 404
    assert len(find_on()) == 4
