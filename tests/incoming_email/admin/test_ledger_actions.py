"""What a person does with rows of the ledger."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from incoming_email.admin import ledger_actions
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, unreadable
from tests.admin_site import choose, make_operator, page_of
from tests.admin_site import incoming_url as url
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import (
    RAW,
    InboundEmailFactory,
    MailboxFactory,
    ReplyKeyFactory,
)

pytestmark = pytest.mark.django_db


def press(client, row, button):
    return client.post(url("inboundemail", "press", row.pk, button), follow=True)


def buttons_of(client, row):
    return [name for name, _label in page_of(client, row).context["buttons"]]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (Status.PENDING, []),
        (Status.PROCESSED, []),
        (Status.REJECTED, ["process-again"]),
        (Status.IGNORED, ["process-again"]),
        (Status.FAILED, ["process-again"]),
        (Status.HELD, ["release", "discard"]),
    ],
)
def test_a_row_has_the_buttons_of_its_status(admin, status, names):
    assert buttons_of(admin, ended(status)) == names


def test_an_operator_has_no_buttons(operator):
    row = ended(Status.HELD)

    response = page_of(operator, row)
    assert response.context["buttons"] == []
    assert "Download raw" not in response.text


def test_what_the_server_keeps_is_read_again_at_the_next_visit(admin):
    row = ended(Status.FAILED, reason=Reason.UNREADABLE_ON_SERVER, raw=b"", digest="")
    gone = ended(Status.FAILED, reason=Reason.GONE_FROM_SERVER, raw=b"", digest="")
    InboundEmail.objects.update(next_attempt_at=timezone.now() + timedelta(days=1))
    page = press(admin, row, "process-again")
    assert [str(message) for message in page.context["messages"]] == [
        "1 message that its mail server could not hand over is read again at the next visit to its"
        " mailbox."
    ]
    assert unreadable.find_retries(row.mailbox, now=timezone.now()).due == (row.source_id,)
    assert LogEntry.objects.get().change_message == "To be read again."
    (message,) = press(admin, gone, "process-again").context["messages"]
    assert str(message).startswith("1 message was left alone")


def test_what_the_server_keeps_is_not_shown_as_an_empty_message(admin):
    row = ended(Status.FAILED, reason=Reason.UNREADABLE_ON_SERVER, raw=b"", digest="")
    page = page_of(admin, row)
    assert [fact.value for fact in page.context["page"].facts if fact.label == "Next attempt"]
    for absent in ("0\xa0bytes", "no header fields", "As it looked", "Download", "differ?"):
        assert absent not in page.text


def make_reply(status, **fields):
    """A message that becomes a note once it is processed."""
    key = ReplyKeyFactory()
    mailbox = MailboxFactory()
    to = mailbox.template.address_for(key.key)
    raw = (
        f"From: {key.recipient.email}\nTo: {to}\nMessage-ID: <{key.pk}@example.com>\n\nOiled.\n"
    ).encode()
    return ended(status, mailbox=mailbox, raw=raw, **fields), key.issue


@pytest.mark.parametrize("status", [Status.REJECTED, Status.IGNORED, Status.FAILED])
def test_process_again_does_so(admin, admin_user, status):
    row, issue = make_reply(status)

    response = press(admin, row, "process-again")

    row.refresh_from_db()
    assert row.status == Status.PROCESSED
    assert [note.body for note in issue.notes.all()] == ["Oiled."]
    assert "Processed again. Now: 1 processed." in response.text
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user, entry.change_message) == (
        str(row.pk),
        admin_user,
        "Processed again.",
    )


def test_many_are_processed_again_and_the_others_left_alone(admin):
    rows = [make_reply(Status.FAILED)[0], make_reply(Status.REJECTED)[0]]
    done = ended(Status.PROCESSED)

    response = choose(admin, url("inboundemail", "changelist"), "process_again", *rows, done)

    assert set(InboundEmail.objects.values_list("status", flat=True)) == {"processed"}
    assert "Processed again. Now: 2 processed." in response.text
    assert "1 message was left alone" in response.text


def test_the_page_answers_where_no_attempt_can_be_made(admin, monkeypatch):
    row, _issue = make_reply(Status.FAILED)

    def fail(*_):
        raise ValueError("no such key")

    monkeypatch.setattr(processing, "look_up", fail)
    response = press(admin, row, "process-again")

    row.refresh_from_db()
    assert (row.status, row.last_error) == (Status.PENDING, "ValueError: no such key")
    assert "Processed again. Now: 1 pending." in response.text


def test_what_takes_too_long_is_left_to_the_worker(admin_user):
    rows = [make_reply(Status.FAILED)[0] for _ in range(2)]

    did, sentence = ledger_actions.press(
        ledger_actions.BUTTONS["process-again"],
        [row.pk for row in rows],
        user_id=admin_user.pk,
        seconds=-1,
    )

    assert did
    assert sentence == (
        "Processed again. Now: 2 pending. The worker goes on with the pending ones."
    )


def test_many_batches_are_one_press(admin_user, monkeypatch):
    monkeypatch.setattr(ledger_actions, "BATCH", 2)
    rows = [ended(Status.HELD) for _ in range(5)]

    ledger_actions.press(
        ledger_actions.BUTTONS["discard"], [row.pk for row in rows], user_id=admin_user.pk
    )

    assert InboundEmail.objects.filter(reason=Reason.DISCARDED).count() == 5
    assert LogEntry.objects.count() == 5


def test_release_waives_the_rule_and_processes(admin):
    row, issue = make_reply(Status.HELD)

    response = press(admin, row, "release")

    row.refresh_from_db()
    assert (row.status, row.waived_rules) == (Status.PROCESSED, ["sender_mismatch"])
    assert issue.notes.count() == 1
    assert "Released. Now: 1 processed." in response.text


def test_discard_ends_the_row(admin):
    row, issue = make_reply(Status.HELD)

    response = choose(admin, url("inboundemail", "changelist"), "discard", row)

    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.IGNORED, Reason.DISCARDED)
    assert issue.notes.count() == 0
    assert "Discarded. Now: 1 ignored." in response.text


def test_release_in_the_list(admin):
    row, _issue = make_reply(Status.HELD)

    choose(admin, url("inboundemail", "changelist"), "release", row)

    row.refresh_from_db()
    assert row.status == Status.PROCESSED


@pytest.mark.parametrize("button", ["process-again", "release", "discard"])
def test_buttons_ask_for_the_permission(client, button):
    row = ended(Status.HELD if button != "process-again" else Status.FAILED)
    before = row.status
    client.force_login(make_operator("download_raw"))

    assert press(client, row, button).status_code == 403
    choose(client, url("inboundemail", "changelist"), button.replace("-", "_"), row)

    row.refresh_from_db()
    assert row.status == before


def test_who_may_requeue_needs_no_more_than_that(client):
    row = ended(Status.HELD)
    client.force_login(make_operator("requeue_inboundemail"))

    press(client, row, "discard")

    row.refresh_from_db()
    assert row.status == Status.IGNORED


def test_a_button_is_pressed_by_post_and_exists(admin):
    row = ended(Status.HELD)

    assert admin.get(url("inboundemail", "press", row.pk, "discard")).status_code == 405
    assert press(admin, row, "burn").status_code == 404
    assert press(admin, SimpleNamespace(pk=row.pk + 1), "discard").status_code == 404


def test_the_raw_message_is_downloaded_and_that_is_recorded(client):
    row = InboundEmailFactory()
    clerk = make_operator("download_raw")
    client.force_login(clerk)

    response = client.get(url("inboundemail", "raw", row.pk))

    assert response.content == RAW
    assert response["Content-Type"] == "message/rfc822"
    assert response["Content-Disposition"] == f'attachment; filename="inbound-{row.pk}.eml"'
    assert "no-store" in response["Cache-Control"]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (clerk, str(row.pk))
    assert entry.change_message == "Downloaded the raw message."


def test_the_raw_message_asks_for_its_own_permission(client):
    row = InboundEmailFactory()
    for rights in ([], ["requeue_inboundemail"]):
        client.force_login(make_operator(*rights))
        assert client.get(url("inboundemail", "raw", row.pk)).status_code == 403

    assert not LogEntry.objects.exists()


def test_the_raw_message_is_asked_for_by_get_and_exists(admin):
    row = InboundEmailFactory()

    assert admin.post(url("inboundemail", "raw", row.pk)).status_code == 405
    assert admin.get(url("inboundemail", "raw", row.pk + 1)).status_code == 404
    assert not LogEntry.objects.exists()


def test_only_a_superuser_deletes_a_row(client, admin_user):
    row = ended(Status.REJECTED)
    address = url("inboundemail", "delete", row.pk)

    client.force_login(make_operator("delete_inboundemail"))
    assert client.post(address, {"post": "yes"}).status_code == 403
    client.force_login(admin_user)
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not InboundEmail.objects.exists()
