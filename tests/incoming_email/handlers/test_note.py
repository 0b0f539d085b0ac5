"""A reply becomes a note, by whom the key says and where it says."""

import pytest
from django.utils import timezone

from incoming_email.models import ReplyKey
from incoming_email.outcomes import Reason, Status
from issues.models import Note, Upload
from tests.factories import MergeRequestFactory, NoteFactory
from tests.incoming_email.factories import ReplyKeyFactory
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db


def ended(row):
    return row.status, row.reason


def test_a_reply_becomes_a_note_of_the_keys_owner_in_the_same_discussion(world):
    first = NoteFactory(issue=world.issue)
    address = world.reply_address(discussion=first.discussion)
    row = world.receive(make_mail(to=address, sender=world.member.email))
    note = Note.objects.latest("pk")
    assert (note.body, note.author, note.item) == ("Looks good.", world.member, world.issue)
    assert (note.discussion, note.internal) == (first.discussion, False)
    assert ended(row) == (Status.PROCESSED, "")
    assert (row.handler, row.outcome) == ("note", f"note {note.pk} on issue {world.issue}")
    assert (row.note, row.issue, row.attempts) == (note, world.issue, 1)


def test_what_was_cut_is_kept_with_the_note(world):
    body = "Yes.\r\n\r\nOn Mon, Jan 1, 2024 at 10:00 AM Ann <ann@example.com> wrote:\r\n> Shall we?"
    world.receive(make_mail(to=world.reply_address(), sender=world.member.email, body=body))
    note = Note.objects.get()
    assert note.body == "Yes."
    assert note.quoted.splitlines()[-1] == "> Shall we?"


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


def test_attachments_are_stored_and_linked(world):
    world.receive(
        make_mail_with_file(
            to=world.reply_address(), sender=world.member.email, filename="../a.txt"
        )
    )
    upload, note = Upload.objects.get(), Note.objects.get()
    assert (upload.note, upload.filename, upload.size) == (note, "a.txt", 5)
    assert note.body == f"See the file.\n\n[a.txt](/uploads/{upload.secret}/a.txt)"


def test_a_reply_about_a_merge_request(world):
    merge_request = MergeRequestFactory(project=world.issue.project)
    key = ReplyKeyFactory(recipient=world.member, issue=None, merge_request=merge_request)
    address = world.mailbox.template.address_for(key.key)
    row = world.receive(make_mail(to=address, sender=world.member.email))
    note = Note.objects.get()
    assert (note.item, row.merge_request, row.issue) == (merge_request, merge_request, None)
    assert row.outcome == f"note {note.pk} on merge request {merge_request}"


def test_a_revoked_key_is_turned_down(world):
    address = world.reply_address()
    ReplyKey.objects.update(revoked_at=timezone.now())
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert ended(row) == (Status.REJECTED, Reason.KEY_EXPIRED)


def test_a_file_alone_is_a_note(world):
    mail = make_mail_with_file(to=world.reply_address(), sender=world.member.email)
    world.receive(mail.replace(b"See the file.", b""))
    assert Note.objects.get().body == f"[a.txt](/uploads/{Upload.objects.get().secret}/a.txt)"


def test_another_verified_address_of_the_owner_fits(world):
    world.member.emailaddress_set.create(email="phone@example.org", verified=True)
    row = world.receive(make_mail(to=world.reply_address(), sender="Phone@Example.org"))
    assert (row.status, Note.objects.get().author) == (Status.PROCESSED, world.member)


@pytest.mark.parametrize(
    ("typed", "sender", "fits"),
    [
        ("phone@bücher.example", "phone@xn--bcher-kva.example", True),
        ("phone@xn--bcher-kva.example", "phone@bücher.example", True),
        ("phone@strasse.example", "phone@straße.example", False),
        ("kate@bücher.example", "\u212aate@bücher.example", False),
    ],
)
def test_domains_of_an_address_are_compared_by_idna(world, typed, sender, fits):
    world.member.emailaddress_set.create(email=typed, verified=True)
    row = world.receive(make_mail(to=world.reply_address(), sender=sender))
    assert row.sender == sender, "as it was written"
    assert (row.status == Status.PROCESSED) is fits, (row.reason, row.trace)


def test_an_unproven_address_of_the_owner_does_not(world):
    world.member.emailaddress_set.create(email="phone@example.org")
    row = world.receive(make_mail(to=world.reply_address(), sender="phone@example.org"))
    assert ended(row) == (Status.HELD, Reason.SENDER_MISMATCH)


@pytest.mark.parametrize("sender", ["m\u0131ke@example.com", "mi\u212ae@example.com"])
def test_an_address_that_looks_like_the_owners_does_not_fit(world, sender):
    """A dotless i, and the Kelvin sign that lower() makes a k: CVE-2019-19844."""
    world.member.emailaddress_set.update(email="mike@example.com")
    address = world.reply_address()
    assert ended(world.receive(make_mail(to=address, sender=sender)))[0] == Status.HELD
    row = world.receive(make_mail(to=address, sender="mike@example.com"))
    assert row.status == Status.PROCESSED
