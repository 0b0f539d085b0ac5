"""Trying a message without effect, what another attempt would change, CSV, and who may do it."""

import csv
from io import BytesIO, StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import call_command

from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from issues.models import Announcement, Issue, Note, OutgoingEmail
from tests.admin_site import choose, incoming_url
from tests.factories import UserFactory
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db
LIST = incoming_url("inboundemail", "changelist")
TRY = incoming_url("inboundemail", "try")


@pytest.fixture
def world():
    return make_world()


def upload(client, world, content, **fields):
    file = BytesIO(content)
    file.name = "mail.eml"
    return client.post(TRY, {"message": file, "mailbox": world.mailbox.pk, **fields})


def count_all():
    kinds = (InboundEmail, Issue, Note, Announcement, OutgoingEmail)
    return [kind.objects.count() for kind in kinds]


def test_an_upload_shows_its_outcome_and_does_nothing(reviewer, world):
    mail = make_mail(to=world.issue_address(), sender=world.member.email, subject="A leak")
    before = count_all()
    page = upload(reviewer, world, mail)
    row = page.context["page"].row
    assert (row.status, row.handler) == (Status.PROCESSED, "issue")
    assert row.outcome in page.text
    assert "Nothing was done." in page.text
    assert f"/issues/{world.issue.iid + 1}" not in page.text, "no link to what is not there"
    assert count_all() == before


def test_an_upload_shows_why_it_would_be_turned_down(reviewer, world):
    mail = make_mail(to="incoming+nowhere@letterbox.localhost", sender=world.member.email)
    row = upload(reviewer, world, mail).context["page"].row
    assert (row.status, row.reason) == (Status.REJECTED, "unknown_address")
    assert OutgoingEmail.objects.count() == 0


def test_the_envelope_recipient_can_be_given(reviewer, world):
    mail = make_mail(to="list@example.com", sender=world.member.email)
    page = upload(reviewer, world, mail, recipient=world.reply_address())
    assert page.context["page"].row.handler == "note"
    secret = world.reply_address().partition("+")[2].partition("@")[0]
    assert secret not in page.text.replace(f'value="{world.reply_address()}"', "")


def test_whatever_is_uploaded_has_an_answer(reviewer, world):
    assert upload(reviewer, world, b"\x00\xff" * 50).status_code == 200
    assert "form" in upload(reviewer, world, b"").context


def test_an_upload_over_the_limit_is_refused(reviewer, world, settings):
    settings.MAX_MESSAGE_BYTES = 10
    page = upload(reviewer, world, make_mail(to="a@example.com", sender="b@example.com"))
    assert "It is larger than 10" in page.text
    assert "page" not in page.context


def test_what_would_differ_is_shown_and_not_done(reviewer, world):
    key = "incoming+nowhere@letterbox.localhost"
    row = world.receive(make_mail(to=key, sender=world.member.email))
    url = incoming_url("inboundemail", "preview", row.pk)
    assert "Another attempt would end the same." in reviewer.post(url).text

    InboundEmail.objects.filter(pk=row.pk).update(
        own_raw=make_mail(to=world.reply_address(), sender=world.member.email), content=None
    )
    page = reviewer.post(url)
    told = {each.label: (each.before, each.after) for each in page.context["differences"]}
    assert told["Status"] == ("rejected", "processed")
    assert told["Reason"] == ("unknown_address", "")
    row.refresh_from_db()
    assert row.status == Status.REJECTED
    assert Note.objects.count() == 0


def test_a_held_message_is_previewed_as_if_it_were_released(reviewer, world):
    row = world.receive(make_mail(to=world.reply_address(), sender=UserFactory().email))
    assert row.status == Status.HELD
    page = reviewer.post(incoming_url("inboundemail", "preview", row.pk))
    assert page.context["page"].row.status == Status.PROCESSED
    assert Note.objects.count() == 0


def test_what_has_acted_or_lost_its_bytes_has_no_preview(reviewer, world):
    done = ended(Status.PROCESSED)
    assert reviewer.post(incoming_url("inboundemail", "preview", done.pk)).status_code == 404
    page = reviewer.get(incoming_url("inboundemail", "change", done.pk))
    assert "What would differ?" not in page.text


def test_who_may_only_look_can_try_nothing(operator, world):
    row = ended(Status.FAILED)
    assert operator.get(TRY).status_code == 403
    assert operator.post(incoming_url("inboundemail", "preview", row.pk)).status_code == 403
    assert TRY not in operator.get(LIST).text


def test_csv_has_no_keys_and_no_formulas(operator, world):
    address = sender_tokens.new_issue_address(
        user=world.member, project=world.issue.project, now=world.issue.created_at
    )
    row = ended(Status.FAILED, sender="ada@example.com", subject=f"=cmd() {address}")
    answer = choose(operator, LIST, "export", row)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    header, line = csv.reader(StringIO(text))
    told = dict(zip(header, line, strict=True))
    assert (told["id"], told["status"], told["sender"]) == (str(row.pk), "failed", row.sender)
    assert told["subject"].startswith("'=cmd() ")
    assert address not in text
    assert LogEntry.objects.get().change_message == "Exported as CSV: 1."


def test_the_audit_is_read_and_not_changed(admin, world):
    choose(admin, LIST, "process_again", ended(Status.FAILED))
    entry = LogEntry.objects.get()
    assert "Processed again." in admin.get("/admin/admin/logentry/").text
    page = f"/admin/admin/logentry/{entry.pk}/"
    assert "Processed again." in admin.get(f"{page}change/").text
    assert admin.post(f"{page}change/", {}).status_code == 403
    assert admin.post(f"{page}delete/", {"post": "yes"}).status_code == 403


def test_the_group_of_operators_sees_and_changes_nothing(client, world):
    for _ in range(2):
        call_command("create_operator_group", stdout=StringIO())
    group = Group.objects.get()
    names = set(group.permissions.values_list("codename", flat=True))
    assert {"view_inboundemail", "view_mailbox", "view_issue", "view_logentry"} <= names
    assert all(name.startswith("view_") for name in names)

    person = UserFactory(is_staff=True)
    person.groups.add(group)
    client.force_login(person)
    row = ended(Status.HELD)
    for url in ("/admin/dashboard/", LIST, incoming_url("inboundemail", "change", row.pk)):
        assert client.get(url).status_code == 200
    press = incoming_url("inboundemail", "press", row.pk, "discard")
    assert client.post(press).status_code == 403
    assert client.get(incoming_url("inboundemail", "raw", row.pk)).status_code == 403
    assert client.get(incoming_url("mailbox", "add")).status_code == 403
