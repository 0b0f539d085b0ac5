"""The admin of people, projects, items and outgoing mail."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from issues.admin.redaction import redact_header, redact_text
from issues.models import (
    EmailAddress,
    Membership,
    Note,
    OutgoingEmail,
    OutgoingState,
    Role,
    Upload,
    User,
)
from tests.factories import (
    IssueFactory,
    LabelFactory,
    MembershipFactory,
    MergeRequestFactory,
    NoteFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEY = "k3y0k3y0k3y0k3y0k3y0k3y0k"
LETTERS = "abcdefghijklmnopqrstuvwxy"
SECRET = "5ec2e75ec2e75ec2e75ec2e75ec2e7aa"
MODELS = ["user", "project", "label", "issue", "mergerequest", "note", "upload", "outgoingemail"]


def make_outgoing(number=0, **fields):
    values = {
        "kind": "new_issue",
        "effect_key": f"effect-{number}",
        "recipient": f"ada{number}@example.com",
        "message_id": f"issue-{number}@letterbox.localhost",
        "from_header": "Letterbox <letterbox@letterbox.localhost>",
        "subject": f"The door number {number}",
        "headers": {
            "Reply-To": f'"acme/shop" <incoming+{KEY}@example.com>',
            "References": f"<reply-{LETTERS}@letterbox.localhost>",
            "List-Unsubscribe": "<https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/>",
        },
        "text": f"It squeaks. https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/ {KEY}",
        "html": "<p onclick='steal()'>It <b>squeaks</b>.</p>"
        "<a href='https://letterbox.localhost/unsubscribe/WzEsImki:abc:def/'>Leave</a>",
        "next_attempt_at": NOW,
        "created_at": NOW,
    }
    return OutgoingEmail.objects.create(**(values | fields))


def make_upload(number=0, **fields):
    issue = fields.pop("issue", None) or IssueFactory()
    values = {
        "project": issue.project,
        "issue": issue,
        "uploader": issue.author,
        "secret": SECRET if not number else f"{number:032x}",
        "filename": f"door-{number}.png",
        "content_type": "image/png",
        "size": 12,
    }
    return Upload.objects.create(**(values | fields))


def make_row(model, number=0):
    return {
        "user": UserFactory,
        "project": lambda: MembershipFactory().project,
        "label": LabelFactory,
        "issue": lambda: NoteFactory().issue,
        "mergerequest": MergeRequestFactory,
        "note": NoteFactory,
        "upload": lambda: make_upload(number),
        "outgoingemail": lambda: make_outgoing(number, project=ProjectFactory()),
    }[model]()


def make_operator(*more):
    operator = UserFactory(is_staff=True)
    operator.user_permissions.set(
        Permission.objects.filter(content_type__app_label="issues", codename__startswith="view_")
    )
    operator.user_permissions.add(*Permission.objects.filter(codename__in=more))
    return operator


@pytest.fixture
def admin_user():
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def operator(client):
    client.force_login(make_operator())
    return client


def url(model, page, *args):
    return reverse(f"admin:issues_{model}_{page}", args=args)


def choose(client, model, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(url(model, "changelist"), data, follow=True)


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


def test_deleting_an_upload_removes_its_file(admin, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    upload = make_upload()
    folder = tmp_path / "uploads" / str(upload.project_id) / SECRET
    folder.mkdir(parents=True)
    (folder / "door-0.png").write_bytes(b"png")

    admin.post(url("upload", "delete", upload.pk), {"post": "yes"})

    assert not (folder / "door-0.png").exists()
    assert not Upload.objects.exists()


# People


def new_person(**more):
    return {
        "username": "ada",
        "email": "Ada@Example.com",
        "usable_password": "true",
        "password1": "correct-horse-battery",
        "password2": "correct-horse-battery",
        **more,
    }


def test_a_new_person_has_a_verified_address(admin):
    admin.post(url("user", "add"), new_person())

    ada = User.objects.get(username="ada")
    address = EmailAddress.objects.get(user=ada)
    assert (ada.email, address.address) == ("ada@example.com", "ada@example.com")
    assert address.verified_at is not None
    assert ada.check_password("correct-horse-battery")


@pytest.mark.parametrize("email", ["", "taken@example.com", "TAKEN@example.com"])
def test_a_new_person_needs_an_address_of_their_own(admin, email):
    UserFactory(email="taken@example.com")

    response = admin.post(url("user", "add"), new_person(email=email))

    assert "email" in response.context["adminform"].errors
    assert not User.objects.filter(username="ada").exists()


def person_form(user, **more):
    return {
        "username": user.username,
        "email": user.email,
        "language": "ko",
        "is_active": "on",
        "date_joined_0": "2024-05-01",
        "date_joined_1": "12:00:00",
        "email_addresses-TOTAL_FORMS": "1",
        "email_addresses-INITIAL_FORMS": "0",
        "email_addresses-0-user": str(user.pk),
        "email_addresses-0-address": "Other@Example.com",
        **more,
    }


def test_an_address_is_added_in_lower_case(admin):
    user = UserFactory(address=False)

    admin.post(url("user", "change", user.pk), person_form(user))

    user.refresh_from_db()
    assert user.language == "ko"
    assert [row.address for row in user.email_addresses.all()] == ["other@example.com"]


def test_who_may_edit_people_makes_nobody_an_administrator(client):
    editor = make_operator("change_user")
    client.force_login(editor)

    client.post(
        url("user", "change", editor.pk),
        person_form(editor, is_superuser="on", is_staff="on", first_name="Eve")
        | {"email_addresses-TOTAL_FORMS": "0"},
    )

    editor.refresh_from_db()
    assert editor.first_name == "Eve"
    assert not editor.is_superuser


def test_who_may_edit_people_does_not_edit_an_administrator(client, admin_user):
    client.force_login(make_operator("change_user"))

    answer = client.post(url("user", "change", admin_user.pk), person_form(admin_user))
    password = client.post(
        reverse("admin:auth_user_password_change", args=[admin_user.pk]),
        {"password1": "correct-horse-battery", "password2": "correct-horse-battery"},
    )

    assert (answer.status_code, password.status_code) == (403, 403)


def test_a_person_with_everything_can_be_deleted(admin):
    note = NoteFactory()
    make_upload(issue=note.issue)
    MembershipFactory(user=note.author)

    admin.post(url("user", "delete", note.author.pk), {"post": "yes"})

    assert not User.objects.filter(pk=note.author.pk).exists()
    assert Note.objects.get().author is None


# Projects


def project_form(project, **more):
    return {
        "path": project.path,
        "name": project.name,
        "visibility": "public",
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
        url("project", "change", membership.project.pk), project_form(membership.project, **new)
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


# Items


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


# Outgoing mail


def test_an_outgoing_email_shows_no_secret(operator):
    row = make_outgoing(last_error=f"refused {KEY}")

    pages = [
        operator.get(address).text
        for address in (
            url("outgoingemail", "changelist"),
            url("outgoingemail", "change", row.pk),
            url("outgoingemail", "html", row.pk),
        )
    ]

    for secret in (KEY, LETTERS, "WzEsImki:abc:def"):
        assert all(secret not in page for page in pages)
    assert "&lt;incoming+k3y0…@example.com&gt;" in pages[1]
    assert "&lt;reply-abcd…@letterbox.localhost&gt;" in pages[1]


def test_the_html_of_a_mail_can_do_nothing(operator):
    row = make_outgoing()

    page = operator.get(url("outgoingemail", "change", row.pk)).text
    frame = operator.get(url("outgoingemail", "html", row.pk))

    assert f'sandbox src="{url("outgoingemail", "html", row.pk)}"' in page
    assert "<b>squeaks</b>" not in page
    assert "<b>squeaks</b>" in frame.text
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none';")
    assert frame["X-Frame-Options"] == "SAMEORIGIN"


def test_the_html_asks_for_the_permission(client):
    row = make_outgoing()
    client.force_login(UserFactory(is_staff=True))

    assert client.get(url("outgoingemail", "html", row.pk)).status_code == 404


def test_what_failed_is_sent_again(admin, django_capture_on_commit_callbacks):
    failed = make_outgoing(1, state=OutgoingState.FAILED, attempts=8, last_error="refused")
    sent = make_outgoing(2, state=OutgoingState.SENT, attempts=1)

    with django_capture_on_commit_callbacks() as callbacks:
        response = choose(admin, "outgoingemail", "send_again", failed, sent)

    failed.refresh_from_db()
    sent.refresh_from_db()
    assert (failed.state, failed.attempts) == (OutgoingState.PENDING, 0)
    assert failed.next_attempt_at > NOW + timedelta(days=1)
    assert (sent.state, sent.attempts) == (OutgoingState.SENT, 1)
    assert "1 email will be sent again" in response.text
    assert len(callbacks) == 1
    assert LogEntry.objects.get().object_id == str(failed.pk)


def test_sending_again_asks_for_the_permission(operator):
    row = make_outgoing(state=OutgoingState.FAILED)

    choose(operator, "outgoingemail", "send_again", row)

    row.refresh_from_db()
    assert row.state == OutgoingState.FAILED


def test_an_outgoing_email_is_not_deleted_by_itself_but_goes_with_its_project(admin):
    row = make_outgoing(project=ProjectFactory())

    assert admin.post(url("outgoingemail", "delete", row.pk), {"post": "yes"}).status_code == 403
    assert "deletelink" not in admin.get(url("outgoingemail", "change", row.pk)).text
    admin.post(url("project", "delete", row.project.pk), {"post": "yes"})
    assert not OutgoingEmail.objects.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"incoming+{KEY}@example.com", "incoming+k3y0…@example.com"),
        (f"incoming+{KEY.upper()}@example.com", "incoming+K3Y0…@example.com"),
        (f"shop-1-{KEY}-issue", "shop-1-k3y0…-issue"),
        (f"{KEY}x", f"{KEY}x"),
        (LETTERS, LETTERS),
        ("/unsubscribe/WzEsImki:abc/ more", "/unsubscribe/WzEs…/ more"),
    ],
)
def test_redaction_of_prose(text, expected):
    assert redact_text(text) == expected


def test_redaction_of_a_header_takes_no_risk_with_letters():
    assert redact_header(f"<reply-{LETTERS}@example.com>") == "<reply-abcd…@example.com>"
