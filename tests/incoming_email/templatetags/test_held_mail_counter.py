"""Who leads a project sees on its page how much mail for it waits; nobody else does."""

import pytest
from django.urls import reverse

from issues.models import Role
from tests.admin_site import admin, admin_user
from tests.factories import MembershipFactory, ProjectFactory, UserFactory
from tests.incoming_email.factories import InboundEmailFactory

__all__ = ["admin", "admin_user"]
pytestmark = pytest.mark.django_db
SENTENCE = "2 messages for this project wait for review."


@pytest.fixture
def project():
    project = ProjectFactory()
    for held in (project, project, ProjectFactory(), None):
        InboundEmailFactory(status="held", reason="sender_mismatch", project=held)
    InboundEmailFactory(project=project)
    return project


def page(client, project):
    return client.get(reverse("issue-list", args=[project.path])).text


@pytest.mark.parametrize("role", [Role.MAINTAINER, Role.OWNER])
def test_a_maintainer_sees_the_number_without_a_link_to_the_admin(client, project, role):
    client.force_login(MembershipFactory(project=project, role=role).user)
    assert SENTENCE in page(client, project)
    assert "/admin/" not in page(client, project)
    assert reverse("held-mail", args=[project.path]) in page(client, project)


def test_an_administrator_gets_a_link_to_exactly_those(admin, project):
    assert SENTENCE in page(admin, project)
    assert f"?status__exact=held&amp;project__id__exact={project.pk}" in page(admin, project)


def test_others_see_nothing(client, project):
    assert "wait for review" not in page(client, project)
    client.force_login(MembershipFactory(project=project, role=Role.DEVELOPER).user)
    assert "wait for review" not in page(client, project)
    client.force_login(MembershipFactory(role=Role.OWNER, user=UserFactory()).user)
    assert "wait for review" not in page(client, project)


def test_nothing_is_said_where_nothing_waits(client):
    project = ProjectFactory()
    client.force_login(MembershipFactory(project=project, role=Role.OWNER).user)
    assert "for review" not in page(client, project)
