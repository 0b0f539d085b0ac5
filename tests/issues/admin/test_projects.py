"""Projects and who is in them."""

import pytest

from issues.models import (
    Membership,
    Role,
)
from tests.admin_site import issues_url as url
from tests.clones import plant
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def project_form(project, **more):
    return {
        "path": project.path,
        "name": project.name,
        "visibility": "public",
        "default_branch": project.default_branch,
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        "memberships-2-TOTAL_FORMS": "1",
        "memberships-2-INITIAL_FORMS": "0",
        "memberships-2-0-project": str(project.pk),
        **more,
    }


def test_a_member_is_added(admin):
    project, user = ProjectFactory(), UserFactory()
    new = {"memberships-2-0-user": str(user.pk), "memberships-2-0-role": "40"}

    response = admin.post(url("project", "change", project.pk), project_form(project, **new))

    assert response.status_code == 302
    membership = Membership.objects.get()
    assert (membership.project, membership.user, membership.role) == (project, user, 40)


def test_a_member_is_not_added_twice(admin):
    membership = MembershipFactory()
    new = {
        "memberships-2-0-user": str(membership.user.pk),
        "memberships-2-0-role": "40",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(membership.pk),
        "memberships-0-project": str(membership.project.pk),
        "memberships-0-role": "30",
    }

    response = admin.post(
        url("project", "change", membership.project.pk),
        project_form(membership.project, **new),
    )

    assert response.status_code == 200
    assert "This person is a member already." in response.text
    assert Membership.objects.get().role == Role.DEVELOPER


def test_a_project_list_counts(admin):
    project = NoteFactory().issue.project
    IssueFactory(project=project)
    MergeRequestFactory(project=project)
    MembershipFactory.create_batch(3, project=project)

    row = admin.get(url("project", "changelist")).context["cl"].result_list[0]

    assert (row.members_n, row.issues_n, row.merge_requests_n) == (3, 2, 1)


def test_the_default_branch_needs_a_name_that_git_takes(admin):
    project = ProjectFactory()
    address = url("project", "change", project.pk)

    refused = admin.post(address, project_form(project, default_branch="a..b"))
    assert "can’t be the name of a branch" in refused.text.replace("&#x27;", "’")
    taken = project_form(project, default_branch="trunk") | {"memberships-2-TOTAL_FORMS": "0"}
    assert admin.post(address, taken).status_code == 302

    project.refresh_from_db()
    assert project.default_branch == "trunk"


def test_branches_are_shown(admin):
    project = ProjectFactory()
    plant(project)

    assert (
        '<div class="readonly">main</div>' in admin.get(url("project", "change", project.pk)).text
    )
