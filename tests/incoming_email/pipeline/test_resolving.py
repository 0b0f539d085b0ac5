"""Which address was meant: every candidate is tried, and references come last."""

import pytest

from incoming_email.models import ReplyKey
from incoming_email.outcomes import Reason, Status
from issues.models import Note
from tests.factories import UserFactory
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def ended(row):
    return row.status, row.reason


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


DEAD = "0" * 25


@pytest.mark.parametrize(
    "headers",
    [
        *("Delivered-To", "Envelope-To", "X-Envelope-To", "Cc", "X-Delivered-To"),
        *("X-Original-To", "X-Forwarded-To", "X-Gm-Original-To"),
    ],
)
def test_every_header_of_the_list_can_name_the_address(world, headers):
    mail = make_mail(
        to="list@example.com",
        sender=world.member.email,
        **{headers.replace("-", "_"): world.reply_address()},
    )
    row = world.receive(mail)
    assert (row.handler, row.trace[-2]["header"]) == ("note", headers)


def test_the_way_names_the_address_in_received(world):
    way = f"from a by b for <{world.reply_address()}>; Tue, 2 Jan 2024 10:30:00 +0100"
    mail = make_mail(to="list@example.com", sender=world.member.email, Received=way)
    assert world.receive(mail).handler == "note"


def test_the_envelope_comes_before_every_header_and_to_before_cc(world):
    note, issue = world.reply_address(), world.issue_address()
    mail = make_mail(to=issue, sender=world.member.email, Cc=note)
    assert world.receive(mail, recipient=note).handler == "note"
    assert world.receive(mail).handler == "issue"


def test_an_address_is_tried_once_and_case_does_not_matter(world):
    dead = world.mailbox.template.address_for(DEAD)
    mail = make_mail(to=f"{dead}, {dead.upper()}, x@example.com", sender=world.member.email)
    steps = [step for step in world.receive(mail).trace if step["step"] == "address"]
    assert [step["result"] for step in steps] == ["note: the key leads nowhere", "not ours"]


def test_a_key_of_no_feature_is_no_end_either(world):
    odd = world.mailbox.template.address_for("what-is-this")
    row = world.receive(make_mail(to=f"{odd}, {world.reply_address()}", sender=world.member.email))
    results = [step["result"] for step in row.trace if step["step"] == "address"]
    assert results == ["no feature has keys of this form", "note: found"]


def test_in_reply_to_comes_before_references_and_the_newest_reference_first(world):
    older, newer = f"reply-{'1' * 25}@letterbox.localhost", f"reply-{'2' * 25}@letterbox.localhost"
    mail = make_mail(
        to="incoming@letterbox.localhost",
        sender=world.member.email,
        References=f"<{older}> <{newer}>",
        In_Reply_To=f"<reply-{'3' * 25}@letterbox.localhost>",
    )
    steps = [step for step in world.receive(mail).trace if step["step"] == "reference"]
    assert [step["key"] for step in steps] == ["3333…", "2222…", "1111…"]


def test_the_first_reference_that_is_the_senders_wins(world):
    other = UserFactory()
    mail = make_mail(
        to="incoming@letterbox.localhost",
        sender=world.member.email,
        References=f"<{world.reply_id()}> <{world.reply_id(other)}>",
    )
    row = world.receive(mail)
    assert Note.objects.get().author == world.member
    assert [step["result"] for step in row.trace if step["step"] == "reference"] == [
        "note: the key is not the sender's",
        "note: found",
    ]


def test_an_id_of_another_host_is_not_ours(world):
    foreign = world.reply_id().replace("letterbox.localhost", "example.org")
    mail = make_mail(
        to="incoming@letterbox.localhost", sender=world.member.email, In_Reply_To=f"<{foreign}>"
    )
    assert ended(world.receive(mail)) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)
