"""From a ledger row to its effect, and every other way a message can end."""

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from incoming_email import processing, receiving
from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, ReplyKey
from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Issue, Note, OutgoingEmail, Subscription, Upload
from tests.factories import UserFactory
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def ended(row):
    return row.status, row.reason


def test_a_reply_becomes_a_note_of_the_keys_owner_in_the_same_discussion(world):
    mail = make_mail(to=world.reply_address(discussion="d" * 32), sender=world.member.email)
    row = world.receive(mail)
    note = Note.objects.get()
    assert (note.body, note.author, note.item) == ("Looks good.", world.member, world.issue)
    assert note.discussion == "d" * 32
    assert ended(row) == (Status.PROCESSED, "")
    assert (row.handler, row.outcome) == ("note", f"note {note.pk} on issue {world.issue}")
    assert (row.note, row.issue, row.attempts) == (note, world.issue, 1)


def test_what_was_cut_is_kept_with_the_note(world):
    body = "Yes.\r\n\r\nOn Mon, Jan 1, 2024 at 10:00 AM Ann <ann@example.com> wrote:\r\n> Shall we?"
    world.receive(make_mail(to=world.reply_address(), sender=world.member.email, body=body))
    note = Note.objects.get()
    assert note.body == "Yes."
    assert note.quoted.splitlines()[-1] == "> Shall we?"


def test_mail_to_a_private_address_opens_an_issue(world):
    mail = make_mail(
        to=world.issue_address(),
        sender="somebody@example.org",
        subject="Broken",
        body="> all of it",
    )
    row = world.receive(mail)
    issue = Issue.objects.exclude(pk=world.issue.pk).get()
    assert (issue.title, issue.description, issue.author) == ("Broken", "> all of it", world.member)
    assert (row.handler, row.outcome) == ("issue", f"issue {issue}")


def test_a_blank_subject_gets_a_title(world):
    world.receive(make_mail(to=world.issue_address(), sender=world.member.email, subject=""))
    assert Issue.objects.exclude(pk=world.issue.pk).get().title == "(no subject)"


def test_a_note_by_the_address_of_an_issue(world):
    address = world.issue_address().replace("-issue@", f"-issue-{world.issue.iid}@")
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert row.outcome == f"note {Note.objects.get().pk} on issue {world.issue}"


def test_a_rename_of_the_project_breaks_no_address(world):
    address = world.issue_address()
    world.issue.project.path = "somewhere/else"
    world.issue.project.save()
    assert world.receive(make_mail(to=address, sender="x@example.org")).status == Status.PROCESSED


def test_an_unknown_project_is_answered_like_an_invisible_one(world):
    world.issue.project.visibility = "private"
    world.issue.project.save()
    stranger = UserFactory()
    hidden = world.receive(make_mail(to=world.issue_address(stranger), sender=stranger.email))
    missing_address = world.issue_address().replace(f"-{world.issue.project.pk}-", "-99999999-")
    missing = world.receive(make_mail(to=missing_address, sender=world.member.email))
    assert ended(hidden) == ended(missing) == (Status.REJECTED, Reason.NOT_FOUND)


def test_unsubscribe_works_from_any_address(world):
    address = world.reply_address().replace("@", "-unsubscribe@")
    row = world.receive(make_mail(to=address, sender="alias@example.org", body=""))
    assert row.outcome == f"unsubscribe from issue {world.issue}"
    assert Subscription.objects.get(user=world.member).subscribed is False


def test_a_dead_key_does_not_end_the_search(world):
    dead = world.mailbox.template.address_for("0" * 25)
    mail = make_mail(to=dead, sender=world.member.email, Cc=world.reply_address())
    row = world.receive(mail)
    assert row.status == Status.PROCESSED
    results = [step["result"] for step in row.trace if step["step"] == "address"]
    assert results == ["note: the key leads nowhere", "note: found"]


def test_keys_are_cut_in_the_trace_and_never_stored_whole(world):
    row = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    key = ReplyKey.objects.get().key
    assert key not in str(row.trace)
    assert key[:4] + "…" in str(row.trace)


def test_the_same_message_to_two_headers_acts_once(world):
    address = world.reply_address()
    mail = make_mail(to=address, sender=world.member.email, Message_ID="<same@example.com>")
    first = world.receive(mail)
    second = world.receive(b"Received: from elsewhere\r\n" + mail)
    assert ended(second) == (Status.IGNORED, Reason.DUPLICATE)
    assert second.duplicate_of == first
    assert Note.objects.count() == 1


def test_a_message_without_id_is_known_by_its_content(world):
    mail = make_mail(to=world.reply_address(), sender=world.member.email, Message_ID="")
    world.receive(mail)
    assert ended(world.receive(b"Received: from b\r\n" + mail))[1] == Reason.DUPLICATE
    other = mail.replace(b"Looks good", b"Looks bad")
    assert world.receive(other).status == Status.PROCESSED


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Auto_Submitted": "auto-replied"}, Reason.AUTOMATIC),
        ({"X_Autoreply": "yes"}, Reason.AUTOMATIC),
        (
            {"Content_Type": "multipart/report; report-type=delivery-status; boundary=b"},
            Reason.BOUNCE,
        ),
        (
            {"Content_Type": "multipart/report; report-type=disposition-notification; boundary=b"},
            Reason.RECEIPT,
        ),
    ],
)
def test_automatic_mail_is_ignored_in_silence(world, headers, reason):
    body = "--b\r\n\r\nNobody is there.\r\n--b--"
    mail = make_mail(to=world.reply_address(), sender=world.member.email, body=body, **headers)
    assert ended(world.receive(mail)) == (Status.IGNORED, reason)
    assert (Note.objects.count(), OutgoingEmail.objects.count()) == (0, 0)


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"List_Id": "<team.example.com>"}])
def test_a_persons_mail_is_taken(world, headers):
    mail = make_mail(to=world.reply_address(), sender=world.member.email, **headers)
    assert world.receive(mail).status == Status.PROCESSED


def test_mail_from_our_own_address_is_ignored(world):
    mail = make_mail(to=world.reply_address(), sender="incoming@letterbox.localhost")
    assert ended(world.receive(mail)) == (Status.IGNORED, Reason.OWN_MAIL)


def test_a_strangers_use_of_a_reply_key_is_held_and_he_is_told_nothing(world):
    row = world.receive(make_mail(to=world.reply_address(), sender="mallory@example.org"))
    assert ended(row) == (Status.HELD, Reason.SENDER_MISMATCH)
    assert (row.held_rule, row.finished_at) == ("sender_mismatch", None)
    assert (Note.objects.count(), OutgoingEmail.objects.count()) == (0, 0)


def test_too_many_recipients_are_held(world, settings):
    settings.MAX_RECIPIENTS = 3
    to = ", ".join([world.reply_address(), *(f"p{n}@example.org" for n in range(3))])
    row = world.receive(make_mail(to=to, sender=world.member.email))
    assert ended(row) == (Status.HELD, Reason.TOO_MANY_RECIPIENTS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"locked": True}, Reason.LOCKED),
        ({"confidential": True}, Reason.NOT_FOUND),
    ],
)
def test_the_same_permissions_as_on_the_web(world, change, reason):
    address, sender = world.reply_address(), world.member.email
    world.member.memberships.all().delete()
    world.issue.project.visibility = "public"
    world.issue.project.save()
    for name, value in change.items():
        setattr(world.issue, name, value)
    world.issue.save()
    assert ended(world.receive(make_mail(to=address, sender=sender))) == (Status.REJECTED, reason)


def test_a_blocked_person_is_turned_down(world):
    address = world.reply_address()
    world.member.is_active = False
    world.member.save()
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert ended(row) == (Status.REJECTED, Reason.BLOCKED)


def test_an_expired_key_is_turned_down(world):
    address = world.reply_address()
    ReplyKey.objects.update(expires_at=timezone.now())
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert ended(row) == (Status.REJECTED, Reason.KEY_EXPIRED)


def test_an_empty_reply_is_turned_down(world):
    body = "On Mon, Jan 1, 2024 at 10:00 AM Ann <ann@example.com> wrote:\r\n> Shall we?"
    mail = make_mail(to=world.reply_address(), sender=world.member.email, body=body)
    assert ended(world.receive(mail)) == (Status.REJECTED, Reason.EMPTY)


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"no header line at all\r\n"])
def test_what_is_no_message_is_kept_and_turned_down(world, content):
    row = world.receive(content)
    assert ended(row) == (Status.REJECTED, Reason.NOT_A_MESSAGE)
    assert bytes(row.raw) == content


def test_a_message_that_is_too_large_is_recorded(world):
    header = make_mail(to=world.reply_address(), sender=world.member.email, body="")
    (row,) = receiving.store(
        world.mailbox,
        [RawMessage("1:1", header, oversize=True)],
        now=timezone.now(),
        claimed=True,
    )
    processing.process_claimed([row], clock=timezone.now)
    assert ended(row) == (Status.REJECTED, Reason.TOO_LARGE)


def test_a_dedicated_address_takes_replies_through_references():
    world = make_world(address="replies@letterbox.localhost")
    mail = make_mail(
        to="replies@letterbox.localhost",
        sender=world.member.email,
        References=f"<{world.reply_id()}> <other@example.com>",
    )
    assert world.receive(mail).outcome == f"note {Note.objects.get().pk} on issue {world.issue}"


def test_a_dedicated_address_takes_nothing_else():
    world = make_world(address="replies@letterbox.localhost")
    row = world.receive(make_mail(to="replies@letterbox.localhost", sender=world.member.email))
    assert ended(row) == (Status.REJECTED, Reason.REPLIES_ONLY)


def test_an_id_of_ours_counts_only_for_its_owner(world):
    other = UserFactory()
    mail = make_mail(
        to="incoming@letterbox.localhost",
        sender=other.email,
        In_Reply_To=f"<{world.reply_id()}>",
    )
    assert ended(world.receive(mail)) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)
    assert Note.objects.count() == 0


def with_file(world, address):
    body = (
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
        b'--b\r\nContent-Disposition: attachment; filename="../a.txt"\r\n\r\nhello\r\n--b--\r\n'
    )
    head = make_mail(
        to=address,
        sender=world.member.email,
        body="",
        Content_Type="multipart/mixed; boundary=b",
        MIME_Version="1.0",
    )
    return head + body


def test_attachments_are_stored_and_linked(world):
    world.receive(with_file(world, world.reply_address()))
    upload, note = Upload.objects.get(), Note.objects.get()
    assert (upload.note, upload.filename, upload.size) == (note, "a.txt", 5)
    assert note.body == f"See the file.\n\n[a.txt](/uploads/{upload.secret}/a.txt)"


@pytest.mark.django_db(transaction=True)
def test_files_of_a_refused_mail_are_not_kept(world, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    address = world.reply_address()
    world.member.memberships.all().delete()
    world.issue.project.visibility = "private"
    world.issue.project.save()
    row = world.receive(with_file(world, address))
    assert row.status == Status.REJECTED
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def crash(**_):
    raise RuntimeError("a bug")


@pytest.mark.django_db(transaction=True)
def test_a_fault_leaves_no_half_work_and_stops_nobody_else(world, monkeypatch):
    real = services.create_note

    def fail_on_poison(**fields):
        note = real(**fields)
        if fields["body"] == "poison":
            crash()
        return note

    monkeypatch.setattr(services, "create_note", fail_on_poison)
    address, sender = world.reply_address(), world.member.email
    world.receive(
        *(make_mail(to=address, sender=sender, body=body) for body in ("one", "poison", "two"))
    )
    assert sorted(Note.objects.values_list("body", flat=True)) == ["one", "two"]
    row = InboundEmail.objects.get(status=Status.PENDING)
    assert (row.attempts, row.last_error) == (1, "RuntimeError: a bug")


@pytest.mark.django_db(transaction=True)
def test_a_message_that_always_fails_runs_out_of_attempts(world, monkeypatch, settings):
    settings.PROCESSING_LEASE_SECONDS = 0
    monkeypatch.setattr(services, "create_note", crash)
    row = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    while processing.process(row.pk):
        pass
    assert processing.give_up_exhausted(now=timezone.now()) == 1
    row.refresh_from_db()
    assert (row.status, row.attempts) == (Status.FAILED, 5)


def test_a_claimed_row_is_not_claimed_again(world):
    row = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    InboundEmail.objects.filter(pk=row.pk).update(
        status=Status.PENDING, finished_at=None, handler="", outcome="", effect_key=None
    )
    assert processing.process(row.pk) is False
    assert processing.due_ids(now=timezone.now()) == []


@pytest.mark.django_db(transaction=True)
def test_nothing_is_stored_inside_somebodys_transaction(world):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        world.receive(make_mail(to=world.reply_address(), sender=world.member.email))


def test_trying_out_leaves_no_trace(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    message = RawMessage("x", with_file(world, world.reply_address()))
    row = receiving.new_row(world.mailbox, message, now=timezone.now(), claimed=True)
    processing.try_out(row, now=timezone.now())
    assert (row.status, row.handler) == (Status.PROCESSED, "note")
    assert (row.pk, Note.objects.count(), Upload.objects.count()) == (None, 0, 0)
    assert (InboundEmail.objects.count(), list(tmp_path.iterdir())) == (0, [])


def test_the_lease_outlasts_a_task():
    assert settings.PROCESSING_LEASE_SECONDS > settings.CELERY_TASK_TIME_LIMIT
