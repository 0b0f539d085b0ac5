"""Ignored, rejected or held: what a message is before any handler sees it."""

import pytest

from incoming_email.outcomes import Reason, Status
from issues import outbox, services
from issues.models import Announcement, Note, OutgoingEmail, State
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def ended(row):
    return row.status, row.reason


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


def test_absence_notices_leave_a_closed_issue_closed(world):  # alga-psa#2705 and #2772
    services.close_item(item=world.issue, actor=world.member)
    written = (Note.objects.count(), Announcement.objects.count(), OutgoingEmail.objects.count())
    for number in range(5):
        mail = make_mail(
            to=world.reply_address(),
            sender=world.member.email,
            body="I am away.\n/reopen",
            subject="Out of office",
            Message_ID=f"<away-{number}@example.com>",
            Auto_Submitted="auto-replied",
        )
        assert ended(world.receive(mail)) == (Status.IGNORED, Reason.AUTOMATIC)
    world.issue.refresh_from_db()
    assert world.issue.state == State.CLOSED
    counts = (Note.objects.count(), Announcement.objects.count(), OutgoingEmail.objects.count())
    assert counts == written


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"List_Id": "<team.example.com>"}])
def test_a_persons_mail_is_taken(world, headers):
    mail = make_mail(to=world.reply_address(), sender=world.member.email, **headers)
    assert world.receive(mail).status == Status.PROCESSED


def test_our_address_in_from_is_no_proof_of_our_own_mail(world):
    mail = make_mail(to=world.reply_address(), sender="incoming@letterbox.localhost")
    assert ended(world.receive(mail)) == (Status.HELD, Reason.SENDER_MISMATCH)


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


def test_our_own_mail_coming_back_is_ignored(world):
    ours, theirs = "n1@letterbox.localhost", "n2@letterbox.localhost"
    for message_id, reason in ((ours, Reason.OWN_MAIL), (theirs, "")):
        mail = make_mail(
            to=world.reply_address(),
            sender=world.member.email,
            Message_ID=f"<{message_id}>",
            X_Letterbox_Origin=outbox.origin_of(ours),
        )
        assert world.receive(mail).reason == reason


def test_the_same_message_to_two_addresses_of_one_key_acts_once(world):
    address = world.reply_address()
    mail = make_mail(to=address, sender=world.member.email, Cc=address.upper())
    first = world.receive(mail, recipient=address)
    copy = world.receive(mail, recipient=address.upper())
    assert (first.status, copy.reason, copy.duplicate_of) == ("processed", "duplicate", first)
    assert (copy.handler, copy.outcome, copy.effect_key) == ("", "", None)
    assert (Note.objects.count(), OutgoingEmail.objects.count()) == (1, 0)


def test_the_same_message_to_two_keys_acts_for_each(world):
    note, issue = world.reply_address(), world.issue_address()
    mail = make_mail(to=note, sender=world.member.email, Cc=issue)
    handlers = [world.receive(mail, recipient=address).handler for address in (note, issue)]
    assert handlers == ["note", "issue"]


def test_an_id_that_somebody_else_used_is_no_duplicate(world):
    address = world.issue_address()
    mails = [
        make_mail(to=address, sender=sender, Message_ID="<same@example.com>")
        for sender in (world.member.email, "colleague@example.com")
    ]
    assert [world.receive(mail).status for mail in mails] == ["processed", "processed"]


RESULTS = "mx.example.net; dmarc=pass header.from=example.com"


@pytest.mark.parametrize(
    ("policy", "sender", "results", "reason"),
    [
        ("off", "stranger@example.org", "", ""),
        ("match", "stranger@example.org", "", "sender_mismatch"),
        ("match", "member", "", ""),
        ("require", "stranger@example.org", RESULTS, "sender_mismatch"),
        ("require", "member", "", "not_authenticated"),
        ("require", "member", RESULTS.replace("mx.", "mx2."), "not_authenticated"),
        ("require", "member", RESULTS, ""),
    ],
)
@pytest.mark.parametrize("feature", ["reply", "token"])
def test_the_sender_policy_of_each_feature(feature, policy, sender, results, reason):
    world = make_world(trusted_authserv_id="mx.example.net", **{f"{feature}_sender_policy": policy})
    address = world.reply_address() if feature == "reply" else world.issue_address()
    sender = world.member.email if sender == "member" else sender
    row = world.receive(make_mail(to=address, sender=sender, Authentication_Results=results))
    assert row.reason == reason


def test_a_message_that_names_no_one_sender_does_not_fit(world):
    two = f"{world.member.email}, mallory@example.org"
    row = world.receive(make_mail(to=world.reply_address(), sender=two))
    assert ended(row) == (Status.HELD, Reason.SENDER_MISMATCH)


def test_many_recipients_as_the_limit_allows_are_fine(world, settings):
    settings.MAX_RECIPIENTS = 3
    to = ", ".join([world.reply_address(), "p1@example.org", "p2@example.org", "p1@example.org"])
    assert world.receive(make_mail(to=to, sender=world.member.email)).status == Status.PROCESSED


def test_fields_in_our_name_from_outside_say_nothing(world):
    """What a sender writes of our own fields, or of other systems', changes nothing."""
    forged = {
        "X_Letterbox_Origin": "a" * 64,
        "X_Letterbox_Recipient": world.issue_address(),
        "X_Letterbox_Send_Cc": "mallory@example.org",
        "X_Zammad_Ignore": "true",
        "RT_Send_CC": "mallory@example.org",
        "RT_Attach": "1",
    }
    plain = make_mail(to=world.reply_address(), sender=world.member.email)
    with_fields = make_mail(to=world.reply_address(), sender=world.member.email, **forged)
    first, second = world.receive(plain), world.receive(with_fields)
    assert (first.status, first.handler) == (second.status, second.handler) == ("processed", "note")
    assert first.trace == second.trace
    assert not OutgoingEmail.objects.filter(recipient__startswith="mallory").exists()
