"""How has_perm reaches the table of permissions, and whom it leaves to Django."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import AnonymousUser, Permission

from issues import permissions
from issues.models import Role, Visibility
from issues.services.refusals import require
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_active", [True, False])
def test_a_misspelt_permission_of_an_object_is_an_error(is_active):
    issue = IssueFactory()
    user = MembershipFactory(project=issue.project, user__is_active=is_active).user

    for person in (user, AnonymousUser(), UserFactory(is_superuser=True)):
        with pytest.raises(permissions.UnknownPermission, match=r"issues\.raed_item"):
            person.has_perm("issues.raed_item", issue)


def test_a_service_finds_a_misspelt_permission_whoever_asks():
    admin = UserFactory(is_superuser=True)

    with pytest.raises(permissions.UnknownPermission):
        require(admin, "issues.raed_item", IssueFactory())


def test_inactive_people_are_not_asked_of_the_table(monkeypatch):
    monkeypatch.setitem(permissions.PREDICATES, "issues.read_item", lambda user, item: True)
    issue = IssueFactory()

    assert UserFactory().has_perm("issues.read_item", issue)
    assert AnonymousUser().has_perm("issues.read_item", issue)
    assert not UserFactory(is_active=False).has_perm("issues.read_item", issue)


def test_permissions_of_the_admin_are_djangos():
    project = ProjectFactory()
    clerk = UserFactory(is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="change_project"))

    assert clerk.has_perm("issues.change_project")
    assert not clerk.has_perm("issues.delete_project")
    assert clerk.has_module_perms("issues")
    assert not clerk.has_module_perms("servicedesk")
    assert not clerk.has_perm("issues.administer_project", project)
    assert clerk.get_all_permissions() == {"issues.change_project"}


def test_coroutines_get_the_same_answer():
    issue = IssueFactory(project__visibility=Visibility.PRIVATE)
    member = MembershipFactory(project=issue.project, role=Role.REPORTER).user

    assert async_to_sync(member.ahas_perm)("issues.read_item", issue)
    assert not async_to_sync(UserFactory().ahas_perm)("issues.read_item", issue)


def test_a_login_belongs_to_djangos_backend(client):
    user = UserFactory()
    user.set_password("a long password")
    user.save()

    assert client.login(username=user.username, password="a long password")
    assert client.session[BACKEND_SESSION_KEY] == "django.contrib.auth.backends.ModelBackend"
    assert not client.login(username=user.username, password="another")
