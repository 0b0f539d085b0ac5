"""A note by a person's private address of an issue."""

import pytest
from django.utils import timezone

from incoming_email.keys import sender_tokens
from incoming_email.outcomes import Reason, Status
from issues.models import Note
from tests.factories import UserFactory
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db


def address_of(world, user, iid=None):
    address = sender_tokens.issue_note_address(user=user, issue=world.issue, now=timezone.now())
    return address.replace(f"-issue-{world.issue.iid}@", f"-issue-{iid or world.issue.iid}@")


def test_mail_becomes_a_note_with_its_quotes(world):
    body = "Yes.\r\n\r\nOn Mon, Jan 1, 2024 at 10:00 AM Ann <ann@example.com> wrote:\r\n> Shall we?"
    mail = make_mail(to=address_of(world, world.member), sender="x@example.org", body=body)
    row, note = world.receive(mail), Note.objects.get()
    assert (note.author, note.item, note.quoted) == (world.member, world.issue, "")
    assert note.body == body.replace("\r\n", "\n")
    assert (row.handler, row.outcome) == ("issue_note", f"note {note.pk} on issue {world.issue}")


@pytest.mark.parametrize("body", ["Hello.", ""])
@pytest.mark.parametrize("hidden", ["confidential", "private"])
def test_a_hidden_issue_is_answered_like_a_missing_one(world, body, hidden):
    outsider = UserFactory()
    if hidden == "private":
        world.issue.project.visibility = "private"
        world.issue.project.save()
    else:
        world.issue.confidential = True
        world.issue.save()
    for iid in (world.issue.iid, 99):
        mail = make_mail(to=address_of(world, outsider, iid), sender=outsider.email, body=body)
        row = world.receive(mail)
        assert (row.status, row.reason) == (Status.REJECTED, Reason.NOT_FOUND)


def test_an_empty_mail_is_turned_down(world):
    row = world.receive(
        make_mail(to=address_of(world, world.member), sender="x@example.org", body="  ")
    )
    assert (row.status, row.reason) == (Status.REJECTED, Reason.EMPTY)


def test_a_locked_issue_takes_no_notes_of_outsiders(world):
    world.issue.locked = True
    world.issue.save()
    outsider = UserFactory()
    row = world.receive(make_mail(to=address_of(world, outsider), sender=outsider.email))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.LOCKED)
