"""Mail from the address of a mailing list, or from one of ours: whose it is."""

import pytest
from django.utils import timezone

from incoming_email.models import BlockedSender, InboxMethod
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues.models import Issue, OutgoingEmail
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world
from tests.issues.outgoing import enqueue
from tests.servicedesk.world import make_desk

pytestmark = pytest.mark.django_db(transaction=True)

CARLA = "carla@customer.example"
OWN = "incoming@letterbox.localhost"
OTHER_OWN = "support@letterbox.localhost"
LIST = "support@example.org"
GROUPS = {
    "Precedence": "list",
    "Mailing_list": f"list {LIST}; contact support+owners@example.org",
    "List_ID": "<support.example.org>",
}


@pytest.fixture
def desk():
    MailboxFactory(
        name="second", address="support+%{key}@letterbox.localhost", inbox_method=InboxMethod.SMTP
    )
    return make_desk()


def step(row, name):
    return next((step for step in row.trace if step["step"] == name), None)


@pytest.mark.parametrize("address", [LIST, OWN, OTHER_OWN])
@pytest.mark.parametrize("header", ["X_Original_From", "Reply_To"])
def test_who_is_behind_the_address_is_the_requester(desk, address, header):
    """As Google Groups rewrites From where the sender's domain has a DMARC policy."""
    more = GROUPS if address == LIST else {}
    row = desk.write(f"'Carla' via Support <{address}>", **more, **{header: f"Carla <{CARLA}>"})
    assert (row.status, row.sender, row.issue.ticket.requester) == ("processed", CARLA, CARLA)
    assert [p.address for p in row.issue.ticket.participants.all()] == [CARLA]
    whose = "a mailing list" if address == LIST else "ours"
    assert step(row, "author") == {
        "step": "author",
        "result": CARLA,
        "header": header.replace("_", "-"),
        "because": f"From is {address}, an address of {whose}",
    }


@pytest.mark.parametrize("address", [LIST, OWN, OTHER_OWN])
def test_where_nobody_is_shown_it_is_held_and_a_person_may_release_it(desk, address):
    more = GROUPS if address == LIST else {}
    row = desk.write(f"'Carla' via Support <{address}>", **more)
    assert (row.status, row.reason) == (Status.HELD, Reason.NO_SENDER)
    assert (Issue.objects.count(), OutgoingEmail.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    "sender",
    ["", "not an address", "a@x.example, b@x.example", '"System Administrator"@x.example'],
)
def test_a_ticket_of_somebody_who_can_not_be_answered_is_held(desk, sender):
    row = desk.write(sender)
    assert (row.status, row.reason, row.held_rule) == (Status.HELD, Reason.NO_SENDER, "no_sender")
    assert OutgoingEmail.objects.count() == 0
    reviewing.release([row.pk], now=timezone.now())
    processing.process(row.pk)
    row.refresh_from_db()
    assert (row.status, row.issue.ticket.participants.count()) == ("processed", 0)


def test_letters_beyond_ascii_can_be_answered(desk):
    row = desk.write("Jörg <jörg@customer.example>")
    assert (row.status, row.issue.ticket.requester) == ("processed", "jörg@customer.example")
    assert list(OutgoingEmail.objects.values_list("recipient", flat=True)) == [
        "jörg@customer.example"
    ]


def test_a_member_is_known_through_a_list():
    world = make_world()
    mail = make_mail(
        to=world.reply_address(),
        sender=f"Ann via Support <{LIST}>",
        X_Original_From=world.member.email,
        **GROUPS,
    )
    row = world.receive(mail)
    assert (row.status, row.note.author) == ("processed", world.member)


def test_who_is_behind_a_list_is_proven_by_their_own_domain_alone():
    world = make_world(reply_sender_policy="require", trusted_authserv_id="mx.example.net")
    for domain, status in [
        ("example.org", "held"),
        (world.member.email.split("@")[1], "processed"),
    ]:
        mail = make_mail(
            to=world.reply_address(),
            sender=f"Ann via Support <{LIST}>",
            X_Original_From=world.member.email,
            Authentication_Results=f"mx.example.net; dmarc=pass header.from={domain}",
            **GROUPS,
        )
        assert world.receive(mail).status == status


def test_our_own_mail_is_known_by_its_id_where_a_forwarder_took_the_other_mark(desk):
    ours = enqueue()
    row = desk.write(OWN, Message_ID=f"<{ours.message_id}>", Reply_To=CARLA)
    assert (row.status, row.reason) == (Status.IGNORED, Reason.OWN_MAIL)


def test_a_blocked_sender_gains_nothing_by_naming_somebody_else(desk):
    BlockedSender.objects.create(pattern="evil@example.org")
    row = desk.write("evil@example.org", List_Id="<x.example.org>", X_Original_From=CARLA)
    assert (row.sender, row.reason) == (CARLA, Reason.BLOCKED_SENDER)


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("dmarc=pass", Status.HELD),
        ("dkim=pass header.d=example.org; dmarc=pass policy.dmarc=none", Status.HELD),
        ("dmarc=pass header.from=example.org", Status.HELD),
        ("dkim=pass header.d=example.com", Status.PROCESSED),
    ],
)
def test_what_the_server_found_of_from_proves_nobody_behind_it(result, status):
    """A list of a stranger's own passes DMARC, and says that a member is behind it."""
    world = make_world(reply_sender_policy="require", trusted_authserv_id="mx.example.net")
    mail = make_mail(
        to=world.reply_address(),
        sender=f"'Ann' via Support <{LIST}>",
        X_Original_From=world.member.email,
        Authentication_Results=f"mx.example.net; {result}",
        **GROUPS,
    )
    assert world.receive(mail).status == status
