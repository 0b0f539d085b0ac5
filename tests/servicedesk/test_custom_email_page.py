"""The page where a maintainer gives the desk an address of its own."""

import pytest
from django.urls import reverse

from issues.models import Role
from servicedesk.models import CustomEmail, Verification
from tests.factories import MembershipFactory, ProjectFactory
from tests.servicedesk.customer_server import (
    ADDRESS,
    PASSWORD,
    custom_email,
    forwarded_challenge,
    running_customer_server,
)
from tests.servicedesk.world import make_desk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(settings):
    settings.DESK_SMTP_LOCAL_NETWORKS = True
    return make_desk()


@pytest.fixture
def leader(desk, client):
    user = MembershipFactory(project=desk.project, role=Role.MAINTAINER).user
    client.force_login(user)
    return client


def page(desk, name="desk-address"):
    return reverse(name, args=[desk.project.path])


def form(port, **fields):
    given = {"address": ADDRESS, "host": "127.0.0.1", "port": port, "encryption": "none"}
    return given | {"user": "support", "password": PASSWORD, "login_method": "auto"} | fields


def test_from_nothing_to_an_address_that_is_on(desk, leader):
    empty = leader.get(page(desk)).content.decode()
    assert f'value="{desk.address}"' in empty
    with running_customer_server() as server:
        response = leader.post(page(desk), form(server.port), follow=True)
        assert "The mail is sent" in response.content.decode()
        desk.receive(server.forwarded(), recipient=desk.address)
        desk.receive(forwarded_challenge(), recipient=desk.address)
    leader.post(page(desk, "desk-address-act"), {"act": "enable"})
    assert CustomEmail.objects.get().enabled
    shown = leader.get(page(desk)).content.decode()
    assert "The desk writes from this address." in shown
    assert PASSWORD not in shown
    leader.post(page(desk, "desk-address-act"), {"act": "disable"})
    assert not CustomEmail.objects.get().enabled
    leader.post(page(desk, "desk-address-act"), {"act": "retire"})
    assert CustomEmail.objects.get().retired_at is not None


def test_why_it_failed_is_shown_and_tried_again(desk, leader):
    with running_customer_server() as server:
        leader.post(page(desk), form(server.port, password="wrong"))
        shown = leader.get(page(desk)).content.decode()
        assert "refused user and password" in shown
        assert "535 " in shown
        leader.post(page(desk), form(server.port))
        assert CustomEmail.objects.get().state == Verification.STARTED
        leader.post(page(desk, "desk-address-act"), {"act": "verify"})
        assert len(server.messages) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"address": "no address"}, "Use an address such as"),
        ({"host": "https://x.example"}, "name of a host only"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"password": ""}, "Enter the password"),
    ],
)
def test_what_cannot_work_is_said_on_the_page(desk, leader, fields, words):
    response = leader.post(page(desk), form(**({"port": 25} | fields)))
    assert response.status_code == 400
    assert words in response.content.decode()
    assert PASSWORD not in response.content.decode()
    assert CustomEmail.objects.count() == 0


def test_one_that_is_not_verified_cannot_be_switched_on(desk, leader):
    custom_email(desk.settings, enabled=False, state=Verification.FAILED, fault="not_received")
    response = leader.post(page(desk, "desk-address-act"), {"act": "enable"}, follow=True)
    assert "not verified" in response.content.decode()


def test_for_others_the_page_does_not_exist(desk, client):
    client.force_login(desk.agent)
    assert client.get(page(desk)).status_code == 404
    assert client.post(page(desk, "desk-address-act"), {"act": "retire"}).status_code == 404


def test_a_project_whose_desk_was_never_on_has_no_such_page(desk, client):
    project = ProjectFactory()
    client.force_login(MembershipFactory(project=project, role=Role.OWNER).user)
    assert client.get(reverse("desk-address", args=[project.path])).status_code == 404


def test_the_admin_shows_it_without_password_and_token(desk, admin_client):
    custom = custom_email(desk.settings, token="abcdefghijkl")
    url = reverse("admin:servicedesk_customemail_change", args=[custom.pk])
    shown = admin_client.get(url).content.decode()
    assert ADDRESS in shown
    assert PASSWORD not in shown
    assert "abcdefghijkl" not in shown
