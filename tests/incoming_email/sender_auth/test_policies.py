"""What our own DKIM check changes: only where a policy asks, and no trusted server has spoken."""

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from incoming_email.models import Mailbox
from incoming_email.sender_auth import proof
from incoming_email.sender_auth.key_records import KeyRecords
from issues.models import OutgoingEmail
from tests.incoming_email.sender_auth.sealing import seal
from tests.incoming_email.sender_auth.signing import record, record_name, sign
from tests.incoming_email.world import make_mail, make_world

RESULTS = "mx.example.net; dmarc={} header.from=example.com"


@pytest.fixture
def asked(monkeypatch):
    """An injected DNS, and what it was asked for, with whether a transaction was open."""
    asked = []

    class Records(KeyRecords):
        def _resolve(self, name):
            asked.append((name, transaction.get_connection().in_atomic_block))
            return record().encode()

    monkeypatch.setattr(proof, "KeyRecords", Records)
    return asked


def names(asked):
    return [name.rstrip(".") for name, _ in asked]


def reply(world, **headers):
    return make_mail(to=world.reply_address(), sender=world.member.email, **headers)


def step(row, name):
    return next(step for step in row.trace if step["step"] == name)


@pytest.mark.django_db(transaction=True)
def test_a_signed_reply_is_taken_where_proof_is_required(asked):
    world = make_world(reply_sender_policy="require")
    row = world.receive(sign(reply(world)))
    assert row.status == "processed"
    assert step(row, "authentication") == {
        "step": "authentication",
        "result": "passed",
        "because": "own DKIM check: signed by example.com",
    }
    assert asked == [(f"{record_name('example.com')}.", False)]


@pytest.mark.django_db
@pytest.mark.parametrize("trusted", ["", "mx.example.net"])
def test_an_unsigned_one_is_held(asked, trusted):
    world = make_world(reply_sender_policy="require", trusted_authserv_id=trusted)
    row = world.receive(reply(world))
    assert (row.status, row.reason) == ("held", "not_authenticated")
    assert "no usable signature" in step(row, "authentication")["because"]


@pytest.mark.django_db
@pytest.mark.parametrize(("word", "status"), [("pass", "processed"), ("fail", "held")])
def test_the_word_of_the_trusted_server_decides_and_nothing_is_asked(asked, word, status):
    world = make_world(reply_sender_policy="require", trusted_authserv_id="mx.example.net")
    signed = sign(reply(world, Authentication_Results=RESULTS.format(word)))
    row = world.receive(signed)
    assert row.status == status
    assert step(row, "authentication")["because"] == "Authentication-Results of mx.example.net"
    assert asked == []


@pytest.mark.django_db
def test_the_word_of_anybody_else_leaves_it_to_our_own_check(asked):
    world = make_world(reply_sender_policy="require", trusted_authserv_id="mx.example.net")
    other = RESULTS.format("fail").replace("mx.", "mx2.")
    assert world.receive(sign(reply(world, Authentication_Results=other))).status == "processed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("forwarders", "status"),
    [("", "held"), ("other.example", "held"), ("Lists.example.org,\nmx.example", "processed")],
)
def test_a_list_that_the_mailbox_names_proves_the_sender(asked, forwarders, status):
    world = make_world(
        reply_sender_policy="require",
        trusted_authserv_id="mx.example.net",
        trusted_forwarders=forwarders,
    )
    world.mailbox.full_clean()
    mail = seal(
        reply(world, Date="Mon, 30 Nov 2026 10:00:00 +0000"),
        domain="lists.example.org",
        results="lists.example.org; dmarc=pass header.from=example.com",
    )
    failed = f"Authentication-Results: {RESULTS.format('fail')}\r\n".encode()
    row = world.receive(failed + mail)
    assert row.status == status
    because = step(row, "authentication")["because"]
    assert because.startswith("Authentication-Results of mx.example.net")
    assert ("; ARC: authenticated by lists.example.org" in because) is (status == "processed")


@pytest.mark.django_db
def test_a_forwarder_is_a_domain():
    world = make_world(trusted_forwarders="lists.example.org https://x.example")
    with pytest.raises(ValidationError) as error:
        world.mailbox.full_clean()
    assert "https://x.example is no domain" in str(error.value.message_dict["trusted_forwarders"])


@pytest.mark.django_db
@pytest.mark.parametrize("policy", ["off", "match"])
def test_nothing_is_asked_where_no_policy_wants_to_know(asked, policy):
    world = make_world(reply_sender_policy=policy)
    assert world.receive(sign(reply(world))).status == "processed"
    assert asked == []


@pytest.mark.django_db
@pytest.mark.parametrize("feature", ["reply", "token"])
@pytest.mark.parametrize(
    ("sender", "signed", "fit", "proof"),
    [
        ("member", True, "fits the key", "passed"),
        ("member", False, "fits the key", "not passed"),
        ("stranger@example.com", False, "does not fit the key", "not passed"),
    ],
)
def test_flag_holds_nothing_and_the_trace_says_what_was_found(
    asked, feature, sender, signed, fit, proof
):
    world = make_world(**{f"{feature}_sender_policy": "flag"})
    address = world.reply_address() if feature == "reply" else world.issue_address()
    mail = make_mail(to=address, sender=world.member.email if sender == "member" else sender)
    row = world.receive(sign(mail) if signed else mail)
    assert row.status == "processed"
    assert step(row, "sender")["result"] == fit
    assert step(row, "authentication")["result"] == proof


@pytest.mark.django_db
def test_a_batch_asks_for_each_key_once(asked):
    world = make_world(reply_sender_policy="require")
    row = world.receive(*[sign(reply(world)) for _ in range(5)])
    assert row.status == "processed"
    assert names(asked) == [record_name("example.com")]


@pytest.mark.django_db
def test_a_stranger_whose_signature_holds_is_told_why_his_mail_was_turned_down(asked):
    world = make_world(reply_sender_policy="require")
    unknown = world.mailbox.template.address_for("nothing-here")
    proven, other = (make_mail(to=unknown, sender=f"{name}@example.com") for name in "ab")
    assert world.receive(sign(proven)).reason == "unknown_address"
    world.receive(other)
    assert list(OutgoingEmail.objects.values_list("recipient", flat=True)) == ["a@example.com"]


@pytest.mark.django_db
def test_every_policy_is_valid_in_the_admin():
    world = make_world(reply_sender_policy="flag")
    world.mailbox.full_clean()
    assert Mailbox.objects.get().get_reply_sender_policy_display().startswith("flag: ")
