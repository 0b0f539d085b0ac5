"""The token alone gives identity, and tells nobody which projects there are."""

import pytest

from incoming_email.keys import sender_tokens
from incoming_email.models import SenderToken
from incoming_email.outcomes import Reason, Status
from issues.models import Issue, Upload
from tests.factories import UserFactory
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db


def ended(row):
    return row.status, row.reason


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


def test_a_rename_of_the_project_breaks_no_address(world):
    address = world.issue_address()
    world.issue.project.path = "somewhere/else"
    world.issue.project.save()
    assert world.receive(make_mail(to=address, sender="x@example.org")).status == Status.PROCESSED


@pytest.fixture
def outsider(world):
    """A known person who may not see the project."""
    world.issue.project.visibility = "private"
    world.issue.project.save()
    return UserFactory()


def both(world, person, **mail):
    """How mail to the project ended, and how mail to one that does not exist."""
    address = world.issue_address(person)
    missing = address.replace(f"-{world.issue.project.pk}-", "-99999999-")
    assert missing != address
    return [ended(world.receive(make_mail(to=to, **mail))) for to in (address, missing)]


def test_an_unknown_project_is_answered_like_an_invisible_one(world, outsider):
    answers = both(world, outsider, sender=outsider.email)
    assert answers == [(Status.REJECTED, Reason.NOT_FOUND)] * 2


def test_also_to_a_sender_who_does_not_fit(world, outsider):
    world.mailbox.token_sender_policy = "match"
    world.mailbox.save()
    answers = both(world, outsider, sender=UserFactory().email)
    assert answers == [(Status.REJECTED, Reason.NOT_FOUND)] * 2


def test_also_to_a_blocked_person(world, outsider):
    outsider.is_active = False
    outsider.save()
    answers = both(world, outsider, sender=outsider.email)
    assert answers == [(Status.REJECTED, Reason.BLOCKED)] * 2


def test_a_token_of_nobody_leads_nowhere(world):
    address = world.issue_address()
    SenderToken.objects.all().delete()
    row = world.receive(make_mail(to=address, sender=world.member.email))
    assert ended(row) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)


def test_the_token_decides_without_a_slug(world):
    token = sender_tokens.ensure_token(user=world.member, now=world.issue.created_at)
    key = f"{world.issue.project.pk}-{token}-issue"
    row = world.receive(
        make_mail(to=world.mailbox.template.address_for(key), sender="x@example.org")
    )
    assert row.status == Status.PROCESSED


def test_files_belong_to_the_issue(world):
    world.receive(make_mail_with_file(to=world.issue_address(), sender=world.member.email))
    upload, issue = Upload.objects.get(), Issue.objects.exclude(pk=world.issue.pk).get()
    assert (upload.issue, upload.note, upload.uploader) == (issue, None, world.member)
    assert issue.description == f"See the file.\n\n[a.txt](/uploads/{upload.secret}/a.txt)"
