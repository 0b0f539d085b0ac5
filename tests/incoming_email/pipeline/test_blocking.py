"""Blocked senders: nothing of theirs is acted on, replies included, and they hear nothing."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email.models import BlockedSender, InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.message import parse
from incoming_email.pipeline import processing, reviewing
from incoming_email.pipeline.limiting import EVERYWHERE, find_blocks
from issues.models import Issue, Note, OutgoingEmail
from tests.factories import ProjectFactory
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db(transaction=True)
BLOCKED = (Status.IGNORED, Reason.BLOCKED_SENDER)


@pytest.fixture
def world():
    return make_world()


def block(pattern, project=None):
    row = BlockedSender(pattern=pattern, project=project)
    row.full_clean()
    row.save()
    return row


def ended(row):
    return row.status, row.reason


@pytest.mark.parametrize("pattern", ["{sender}", "*@{domain}"])
def test_s07_a_reply_of_a_blocked_sender_is_ignored_too(world, pattern):
    sender = world.member.email
    block(pattern.format(sender=sender, domain=sender.partition("@")[2]))
    row = world.receive(make_mail(to=world.reply_address(), sender=sender))
    assert ended(row) == BLOCKED
    assert row.trace[-1] == {"step": "blocked senders", "result": "blocked everywhere"}
    assert Note.objects.count() == OutgoingEmail.objects.count() == 0


@pytest.mark.parametrize("pattern", ["r@bücher.example", "*@xn--bcher-kva.example"])
@pytest.mark.parametrize("sender", ["r@bücher.example", "r@mail.xn--bcher-kva.example"])
def test_domains_are_blocked_however_they_are_written(world, pattern, sender):
    block(pattern)
    row = world.receive(make_mail(to=world.issue_address(), sender=sender))
    assert (ended(row) == BLOCKED) is ("mail." not in sender or "*" in pattern)


def test_a_new_issue_and_mail_to_no_address_get_no_answer(world):
    block(world.member.email)
    for to in (world.issue_address(), "incoming+nobody@letterbox.example"):
        assert ended(world.receive(make_mail(to=to, sender=world.member.email))) == BLOCKED
    assert Issue.objects.count() == 1
    assert OutgoingEmail.objects.count() == 0


def test_a_block_for_a_project_is_for_that_project_alone(world):
    mails = [make_mail(to=world.reply_address(), sender=world.member.email) for _ in range(2)]
    other = block(world.member.email, ProjectFactory())
    assert ended(world.receive(mails[0])) == (Status.PROCESSED, "")
    other.project = world.issue.project
    other.save()
    row = world.receive(mails[1])
    assert ended(row) == BLOCKED
    assert row.trace[-1]["result"] == "blocked for the project"


def test_whom_the_answer_would_go_to_may_be_blocked(world):
    block("crook@spam.example")
    mail = make_mail(
        to=world.reply_address(), sender=world.member.email, Reply_To="crook@spam.example"
    )
    assert ended(world.receive(mail)) == BLOCKED


def test_others_of_the_batch_are_acted_on(world):
    block("*@spam.example")
    to = world.reply_address()
    rows = world.receive(
        make_mail(to=to, sender=world.member.email),
        make_mail(to=to, sender="a@spam.example"),
        make_mail(to=to, sender=world.member.email),
    )
    assert rows is not None
    assert [ended(row) for row in InboundEmail.objects.order_by("pk")] == [
        (Status.PROCESSED, ""),
        BLOCKED,
        (Status.PROCESSED, ""),
    ]


def test_without_the_block_it_can_be_processed_again(world):
    row = block(world.member.email)
    mail = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    row.delete()
    reviewing.requeue([mail.pk], now=timezone.now())
    processing.process(mail.pk)
    mail.refresh_from_db()
    assert ended(mail) == (Status.PROCESSED, "")


@pytest.mark.parametrize(
    ("address", "patterns", "is_blocked"),
    [
        ("ann@example.com", ["ann@example.com"], True),
        ("ann@mail.example.com", ["*@example.com"], True),
        ("ann@example.com", ["*@com"], True),
        ("ann@badexample.com", ["*@example.com"], False),
        ("bob@example.com", ["ann@example.com"], False),
        ("example.com@x.example", ["*@example.com"], False),
    ],
)
def test_what_a_pattern_stands_for(address, patterns, is_blocked):
    BlockedSender.objects.bulk_create(BlockedSender(pattern=p) for p in patterns)
    email = parse(f"From: {address}\n\nx".encode())
    assert find_blocks([email]) == [{EVERYWHERE: False} if is_blocked else {}]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" Ann@Example.com ", "ann@example.com"),
        ("*@Example.com", "*@example.com"),
        ("@example.com", "*@example.com"),
        ("*@*.example.com", "*@example.com"),
    ],
)
def test_it_is_kept_in_one_form(written, kept):
    assert block(written).pattern == kept


@pytest.mark.parametrize("written", ["", "ann", "*", "ann*@example.com", "*@", "a@b@c", "*@a b"])
def test_what_is_no_sender_is_refused(written):
    with pytest.raises(ValidationError):
        block(written)


def test_a_second_of_the_same_is_refused():
    project = ProjectFactory()
    block("*@example.com")
    block("*@example.com", project)
    for again in (None, project):
        with pytest.raises(ValidationError, match="already"):
            block("@Example.com", again)


def test_many_blocks_and_senders_cost_one_query():
    BlockedSender.objects.bulk_create(
        BlockedSender(pattern=f"a{number}@example.com") for number in range(300)
    )
    emails = [parse(f"From: a{number}@example.com\n\nx".encode()) for number in range(25)]
    with CaptureQueriesContext(connection) as queries:
        assert find_blocks(emails) == [{EVERYWHERE: False}] * 25
    assert len(queries) == 1


@pytest.mark.parametrize("sender", ["@" * 3000, "a@" + "b." * 5000, "a@" + "x" * 9000, "\x00@\x00"])
def test_whatever_stands_in_from_it_does_not_raise(sender):
    assert find_blocks([parse(f"From: {sender}\n\nx".encode())]) == [{}]
