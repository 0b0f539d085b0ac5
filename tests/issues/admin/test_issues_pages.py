"""Every list and page, whoever looks."""

import pytest
from django.urls import reverse

from issues.models import (
    Upload,
)
from tests.admin_site import issues_url as url
from tests.factories import (
    LabelFactory,
    MembershipFactory,
    MergeRequestFactory,
    MergeRequestVersionFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)
from tests.issues.admin.issues_rows import SECRET, make_outgoing, make_upload

pytestmark = pytest.mark.django_db


MODELS = ["user", "project", "label", "issue", "mergerequest", "note", "upload", "outgoingemail"]
MODELS += ["mergerequestversion"]


def make_row(model, number=0):
    return {
        "user": UserFactory,
        "project": lambda: MembershipFactory().project,
        "label": LabelFactory,
        "issue": lambda: NoteFactory().issue,
        "mergerequest": MergeRequestFactory,
        "mergerequestversion": MergeRequestVersionFactory,
        "note": NoteFactory,
        "upload": lambda: make_upload(number),
        "outgoingemail": lambda: make_outgoing(number, project=ProjectFactory()),
    }[model]()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("who", ["admin", "operator"])
def test_every_list_and_page_opens(request, who, model):
    client, row = request.getfixturevalue(who), make_row(model)

    for address in (url(model, "changelist"), url(model, "change", row.pk)):
        assert client.get(address).status_code == 200
    assert client.get(f"{url(model, 'changelist')}?q=a").status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_long_list_costs_the_queries_of_a_short_one(
    admin, model, django_assert_max_num_queries, settings
):
    def count():
        with django_assert_max_num_queries(30) as queries:
            assert admin.get(url(model, "changelist")).status_code == 200
        return len(queries)

    make_row(model)
    count()  # content types are remembered from now on
    short = count()
    for number in range(1, 50):
        make_row(model, number)

    assert count() == short


def test_a_project_page_with_many_members_costs_the_queries_of_one_member(
    admin, django_assert_max_num_queries
):
    def count():
        with django_assert_max_num_queries(40) as queries:
            assert admin.get(url("project", "change", project.pk)).status_code == 200
        return len(queries)

    project = MembershipFactory().project
    count()
    short = count()
    MembershipFactory.create_batch(20, project=project)

    assert count() == short


@pytest.mark.parametrize("model", MODELS)
def test_an_operator_changes_and_adds_nothing(operator, model):
    row = make_row(model)

    assert operator.post(url(model, "change", row.pk), {"title": "x"}).status_code == 403
    assert operator.get(url(model, "add")).status_code == 403
    assert operator.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", ["issue", "mergerequest", "note", "upload", "outgoingemail"])
def test_nobody_makes_by_hand_what_services_make(admin, model):
    assert admin.get(url(model, "add")).status_code == 403


def test_announcements_are_not_shown(admin):
    assert b"announcement" not in admin.get(reverse("admin:index")).content.lower()


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("upload", "secret__startswith=5e"),
        ("outgoingemail", "headers__icontains=k3y"),
        ("outgoingemail", "text__contains=k3y"),
        ("user", "password__startswith=md5"),
        ("project", "uploads__secret__startswith=5e"),
    ],
)
def test_no_list_tells_a_secret_letter_by_letter(operator, model, query):
    make_row(model)

    assert operator.get(f"{url(model, 'changelist')}?{query}").status_code == 400


def test_the_password_of_a_person_is_not_shown(operator):
    user = UserFactory()

    assert user.password not in operator.get(url("user", "change", user.pk)).text


def test_the_secret_of_a_file_is_not_shown(operator):
    upload = make_upload()
    pages = [url("upload", "changelist"), url("upload", "change", upload.pk)]

    assert all(SECRET not in operator.get(page).text for page in pages)


@pytest.mark.parametrize("many", [False, True])
def test_deleting_an_upload_removes_its_file(
    admin, settings, tmp_path, many, django_capture_on_commit_callbacks
):
    settings.MEDIA_ROOT = tmp_path
    upload = make_upload()
    file = tmp_path / "uploads" / str(upload.project_id) / SECRET / "door-0.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"png")

    with django_capture_on_commit_callbacks() as callbacks:
        if many:
            data = {"action": "delete_selected", "_selected_action": upload.pk, "post": "yes"}
            admin.post(url("upload", "changelist"), data)
        else:
            admin.post(url("upload", "delete", upload.pk), {"post": "yes"})

    assert not Upload.objects.exists()
    assert file.exists()
    for callback in callbacks:
        callback()
    assert not file.exists()
