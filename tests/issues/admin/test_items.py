"""Issues, merge requests and notes are corrected, not made."""

import pytest
from django.contrib import admin as pages
from django.urls import reverse

from issues import services
from issues.models import Issue, MergeRequest, Role
from tests.admin_site import issues_url as url
from tests.admin_site import make_operator
from tests.factories import (
    IssueFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
)
from tests.issues.admin.issues_rows import KEY

pytestmark = pytest.mark.django_db


def test_an_issue_is_corrected_by_the_services(admin, admin_user):
    issue = IssueFactory(title="The door")
    form = {"title": "The gate", "description": issue.description, "locked": "on"}

    admin.post(url("issue", "change", issue.pk), form)

    issue.refresh_from_db()
    assert (issue.title, issue.locked) == ("The gate", True)
    assert [(note.body, note.author, note.system) for note in issue.notes.order_by("pk")] == [
        ("changed the title from “The door” to “The gate”", admin_user, True),
        ("locked this discussion", admin_user, True),
    ]


def test_an_issue_is_hidden_and_given_a_day(admin):
    issue = IssueFactory()
    form = {
        "title": issue.title,
        "description": "It is mute.",
        "confidential": "on",
        "due_date": "2024-06-01",
    }

    admin.post(url("issue", "change", issue.pk), form)

    issue.refresh_from_db()
    assert (issue.description, issue.confidential) == ("It is mute.", True)
    assert issue.due_date.isoformat() == "2024-06-01"
    assert issue.notes.count() == 3


@pytest.mark.parametrize(("role", "status"), [(None, 403), (Role.GUEST, 403), (Role.REPORTER, 302)])
def test_the_admin_asks_the_question_of_the_pages(client, role, status):
    issue, editor = IssueFactory(), make_operator("change_issue")
    if role:
        MembershipFactory(project=issue.project, user=editor, role=role)
    client.force_login(editor)
    form = {"title": "The gate", "description": issue.description}

    assert client.post(url("issue", "change", issue.pk), form).status_code == status


@pytest.mark.parametrize(
    ("make", "model"), [(IssueFactory, "issue"), (MergeRequestFactory, "mergerequest")]
)
def test_what_a_service_refuses_is_said_and_nothing_is_saved(admin, monkeypatch, make, model):
    def refuse(*, item, actor, locked):
        raise services.Invalid(["Not on a Sunday.", "Come back tomorrow."])

    item = make(title="The door")
    known = services.find_correctable(type(item))
    monkeypatch.setattr(services, "find_correctable", lambda _model: known | {"locked": refuse})
    form = {"title": "The gate", "description": item.description, "locked": "on"}

    page = admin.post(url(model, "change", item.pk), form, follow=True)

    assert page.redirect_chain == [(url(model, "change", item.pk), 302)]
    said = [(str(each), each.level_tag) for each in page.context["messages"]]
    assert said == [("Not on a Sunday.", "error"), ("Come back tomorrow.", "error")]
    item.refresh_from_db()
    assert (item.title, item.notes.count()) == ("The door", 0)


def test_a_merge_request_is_corrected(admin):
    merge_request = MergeRequestFactory(title="Oil it")
    form = {"title": "Oil the hinge", "description": ""}

    admin.post(url("mergerequest", "change", merge_request.pk), form)

    merge_request.refresh_from_db()
    assert merge_request.title == "Oil the hinge"


def test_the_text_of_a_note_is_corrected_and_its_quote_not_shown(admin):
    note = NoteFactory(quoted=f"incoming+{KEY}@example.com wrote")
    address = url("note", "change", note.pk)

    assert KEY not in admin.get(address).text
    admin.post(address, {"body": "Taken out.", "internal": "on"})

    note.refresh_from_db()
    assert (note.body, note.internal) == ("Taken out.", True)
    assert note.quoted.startswith("incoming+")


@pytest.mark.parametrize("others", [{"internal": True}, {"internal": False}, None])
def test_one_note_of_an_internal_discussion_is_not_made_public(admin, others):
    note = NoteFactory(internal=True)
    if others is not None:
        NoteFactory(issue=note.issue, discussion=note.discussion, **others)
    admin.post(url("note", "change", note.pk), {"body": note.body})
    note.refresh_from_db()
    assert note.internal is (others == {"internal": True})


def test_a_system_note_stays(admin):
    note = NoteFactory(system=True)

    assert admin.post(url("note", "change", note.pk), {"body": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("make", "page"),
    [(IssueFactory, "issue-detail"), (MergeRequestFactory, "merge-request-detail")],
)
def test_an_item_links_to_its_page(admin, make, page):
    item = make()
    model = type(item)._meta.model_name

    assert reverse(page, args=[item.project.path, item.iid]) in (
        admin.get(url(model, "change", item.pk)).text
    )


@pytest.mark.parametrize(
    ("model", "make"), [(Issue, IssueFactory), (MergeRequest, MergeRequestFactory)]
)
def test_every_field_is_shown_and_those_that_a_service_corrects_can_be_changed(admin, model, make):
    page = admin.get(url(model._meta.model_name, "change", make().pk))
    form = page.context["adminform"].form
    assert list(form.fields) == list(services.find_correctable(model))
    names = {field.name for field in (*model._meta.concrete_fields, *model._meta.many_to_many)}
    # The author, with or without an account, is shown as `written_by`; the HTML is the description.
    unshown = {"id", "author", "external_author", "html"}
    shown = {*pages.site.get_model_admin(model).fields, *unshown}
    assert names - shown == set(), "show it in admin/items.py"
