"""Who is told that a message was rejected: rarely, and never a stranger."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import outbox
from issues.models import OutgoingEmail
from tests.factories import UserFactory
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db
NOWHERE = "incoming+nothing-here@letterbox.localhost"


@pytest.fixture
def world():
    return make_world()


def told(row):
    return next(step["result"] for step in row.trace if step["step"] == "notice")


PROVEN = {"Authentication_Results": "mx.example.net; dmarc=pass"}


def test_a_person_with_an_account_is_told_why():
    world = make_world(trusted_authserv_id="mx.example.net")
    row = world.receive(
        make_mail(
            to=NOWHERE,
            sender=world.member.email,
            subject="Hi",
            Message_ID="<m@example.com>",
            **PROVEN,
        )
    )
    assert (row.status, row.reason) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)
    assert told(row) == "sent"
    outbox.deliver_due(now=timezone.now())
    (notice,) = mail.outbox
    assert (notice.to, notice.subject) == ([world.member.email], "Not accepted: Hi")
    headers = notice.extra_headers
    assert headers["Auto-Submitted"] == "auto-replied"
    assert headers["In-Reply-To"] == "<m@example.com>"
    assert notice.from_email == "", "the null reverse-path"
    assert "This address doesn't accept email." in notice.body
    assert "Looks good." not in notice.body, "no text of the original"


@pytest.mark.parametrize(("word", "is_named"), [("pass", True), ("fail", False)])
@pytest.mark.parametrize("to", [NOWHERE, "somebody else's key"])
def test_a_forged_from_brings_a_person_no_words_but_ours(to, word, is_named):
    world = make_world(trusted_authserv_id="mx.example.net")
    to = NOWHERE if to == NOWHERE else world.reply_address(UserFactory())
    sender = world.member.email
    results = f"mx.example.net; dmarc={word} header.from={sender.partition('@')[2]}"
    subject = "Log in again at evil.example"
    world.receive(make_mail(to=to, sender=sender, subject=subject, Authentication_Results=results))
    notice = OutgoingEmail.objects.get()
    assert notice.recipient == sender
    assert ("evil.example" in f"{notice.subject} {notice.text}") is is_named


def test_who_has_a_key_reads_their_subject(world):
    world.issue.locked = True
    world.issue.save()
    guest = UserFactory()
    world.receive(make_mail(to=world.reply_address(guest), sender=guest.email, subject="Re: it"))
    assert OutgoingEmail.objects.get().subject == "Not accepted: Re: it"


@pytest.mark.parametrize("address", [NOWHERE, ""], ids=["rejected", "held"])
def test_who_forges_from_has_no_words_of_theirs_sent_to_anybody(world, address):
    """By our server, in our name, and so past every filter: also not to people with an account."""
    other = UserFactory()
    words = "Your password ends today: https://evil.example"
    row = world.receive(
        make_mail(to=address or world.reply_address(), sender=other.email, subject=words)
    )
    assert told(row) == "sent"
    notice = OutgoingEmail.objects.get(recipient=other.email)
    assert "evil.example" not in notice.subject + notice.text + notice.html


def test_in_the_persons_language(world):
    world.member.language = "ko"
    world.member.save()
    world.receive(make_mail(to=NOWHERE, sender=world.member.email))
    assert OutgoingEmail.objects.get().text.isascii() is False


def test_a_stranger_is_not_told(world):
    row = world.receive(make_mail(to=NOWHERE, sender="stranger@example.org"))
    assert (row.status, told(row)) == (Status.REJECTED, "not sent: the sender is a stranger")
    assert OutgoingEmail.objects.count() == 0


def test_an_unverified_address_is_a_strangers(world):
    user = UserFactory(address__verified=False)
    world.receive(make_mail(to=NOWHERE, sender=user.email))
    assert OutgoingEmail.objects.count() == 0


def test_a_stranger_whom_the_mail_server_vouches_for_is_told():
    world = make_world(trusted_authserv_id="mx.example.net")
    results = "mx.example.net; dmarc=pass header.from=example.org"
    row = world.receive(
        make_mail(to=NOWHERE, sender="known@example.org", Authentication_Results=results)
    )
    assert told(row) == "sent"


def test_once_an_hour(world):
    for _ in range(3):
        row = world.receive(make_mail(to=NOWHERE, sender=world.member.email))
    assert told(row) == "not sent: the sender was told in the last 60 minutes"
    assert OutgoingEmail.objects.count() == 1
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    world.receive(make_mail(to=NOWHERE, sender=world.member.email))
    assert OutgoingEmail.objects.count() == 2


def test_the_limit_of_automatic_answers_an_hour(world, settings):
    settings.LOOP_LIMIT_PER_HOUR, settings.NOTICE_PAUSE_MINUTES = 2, 0
    for _ in range(3):
        row = world.receive(make_mail(to=NOWHERE, sender=world.member.email))
    assert told(row) == "not sent: the limit of automatic answers is reached (LOOP_LIMIT_PER_HOUR)"
    assert OutgoingEmail.objects.count() == 2


@pytest.mark.parametrize(
    "headers", [{"Return_Path": "<>"}, {"List_Id": "<a.example.com>"}, {"Precedence": "bulk"}]
)
def test_robots_and_lists_are_not_answered(world, headers):
    row = world.receive(make_mail(to=NOWHERE, sender=world.member.email, **headers))
    assert row.status == Status.REJECTED
    assert OutgoingEmail.objects.count() == 0


def test_a_member_is_told_once_that_a_message_waits(world):
    other = UserFactory()
    address = world.reply_address()
    for _ in range(2):
        row = world.receive(make_mail(to=address, sender=other.email))
    assert row.status == Status.HELD
    notice = OutgoingEmail.objects.get()
    assert (notice.kind, notice.recipient) == ("held", other.email)
    assert str(Reason(row.reason).for_sender) in notice.text
    assert str(Reason(row.reason).label) not in notice.text, "that one is for the administrator"


def test_line_breaks_in_a_subject_make_no_header(world):
    subject = "=?utf-8?B?QSANCkJjYzogZXZpbEBhdHRhY2tlci5leGFtcGxl?="
    guest = UserFactory()
    world.issue.locked = True
    world.issue.save()
    world.receive(make_mail(to=world.reply_address(guest), sender=guest.email, subject=subject))
    outbox.deliver_due(now=timezone.now())
    (notice,) = mail.outbox
    assert "\n" not in notice.subject
    assert b"\nBcc:" not in notice.message().as_bytes()


def test_our_own_addresses_are_never_answered(world):
    MailboxFactory(address="desk+%{key}@letterbox.localhost", enabled=False)
    UserFactory(email="desk+support@letterbox.localhost")
    row = world.receive(make_mail(to=NOWHERE, sender="desk+support@letterbox.localhost"))
    assert told(row) == "not sent: the sender is one of our own addresses"
    assert OutgoingEmail.objects.count() == 0


def test_a_blocked_account_is_a_strangers(world):
    user = UserFactory(is_active=False)
    row = world.receive(make_mail(to=NOWHERE, sender=user.email))
    assert told(row) == "not sent: the sender is a stranger"


def test_a_message_is_answered_once_however_often_it_is_run_again(world):
    row = world.receive(make_mail(to=NOWHERE, sender=world.member.email))
    OutgoingEmail.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    reviewing.requeue([row.pk], now=timezone.now())
    assert processing.process(row.pk)
    row.refresh_from_db()
    assert told(row) == "not sent: the sender was told about this message before"
    assert OutgoingEmail.objects.count() == 1
