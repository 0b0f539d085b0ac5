"""Links with a former path of a project lead to where it is now, for those who may read it."""

import pytest
from django.urls import reverse

from issues import services
from issues.models import FormerPath, Issue, Role, Visibility
from tests.factories import IssueFactory, MembershipFactory, MergeRequestFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    return IssueFactory(project__path="acme/old", project__visibility=Visibility.PRIVATE)


@pytest.fixture
def member(issue, client):
    user = MembershipFactory(project=issue.project, role=Role.MAINTAINER).user
    client.force_login(user)
    return user


def rename(project, path):
    project.path = path
    services.save_project(project=project)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("project-detail", []),
        ("issue-list", []),
        ("issue-detail", [1]),
        ("merge-request-detail", [1]),
        ("ticket-list", []),
        ("project-mail", []),
        ("desk-settings", []),
    ],
)
def test_every_page_is_found_by_the_former_path(client, issue, member, name, more):
    MergeRequestFactory(project=issue.project)
    rename(issue.project, "acme/between")
    rename(issue.project, "corp/new")
    for former in ("acme/old", "acme/between"):
        response = client.get(reverse(name, args=[former, *more]) + "?page=1")
        now = reverse(name, args=["corp/new", *more])
        assert (response.status_code, response.headers["Location"]) == (302, f"{now}?page=1")
    assert client.get(now, follow=True).status_code == 200


def test_a_form_that_was_open_is_sent_again_there(client, issue, member):
    former = reverse("issue-detail", args=["acme/old", issue.iid])
    rename(issue.project, "corp/new")
    response = client.post(former, {"body": "Typed before"}, follow=True)
    assert response.redirect_chain[0] == (f"/corp/new/-/issues/{issue.iid}/", 307)
    assert issue.notes.get().body == "Typed before"


def test_who_may_not_read_it_is_not_led_there(client, issue):
    rename(issue.project, "corp/new")
    for person in (None, MembershipFactory().user):
        client.logout()
        if person is not None:
            client.force_login(person)
        assert client.get("/acme/old/").status_code == 404
        assert client.get(f"/acme/old/-/issues/{issue.iid}/").status_code == 404


def test_a_project_that_has_the_path_now_comes_first(client, issue, member):
    rename(issue.project, "corp/new")
    ProjectFactory(path="acme/old", visibility=Visibility.PRIVATE)
    assert client.get("/acme/old/").status_code == 404


def test_a_path_that_two_had_leads_to_the_last(client, issue, member):
    rename(issue.project, "corp/new")
    other = ProjectFactory(path="acme/old")
    rename(other, "corp/other")
    assert client.get("/acme/old/").headers["Location"] == "/corp/other/"
    assert FormerPath.objects.count() == 1


def test_back_at_its_own_path_it_is_found_there(client, issue, member):
    rename(issue.project, "corp/new")
    rename(issue.project, "acme/old")
    assert client.get("/acme/old/", follow=True).status_code == 200
    assert client.get("/corp/new/").headers["Location"] == "/acme/old/"


def test_what_is_not_found_anywhere_costs_nothing_else(client, member):
    assert client.get("/acme/nowhere/-/issues/5/").status_code == 404
    assert client.get("/acme/old/-/issues/99/").status_code == 404
    assert client.get("/uploads/x/", follow=True).status_code == 404


def test_the_admin_keeps_the_former_path(admin_client, issue):
    url = reverse("admin:issues_project_change", args=[issue.project.pk])
    form = admin_client.get(url).context["adminform"].form
    given = {name: "" if value is None else value for name, value in form.initial.items()}
    sets = {
        f"{prefix}-{part}": 0
        for prefix in ("memberships", "memberships-2")
        for part in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    response = admin_client.post(url, {**given, **sets, "path": "corp/new"})
    assert response.status_code == 302
    assert FormerPath.objects.get().project == Issue.objects.get().project
