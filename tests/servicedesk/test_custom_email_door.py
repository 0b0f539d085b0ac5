"""The SMTP listener accepts mail to a desk's own address that a mail server relays to us."""

import smtplib

import pytest
from django.utils import timezone

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing
from incoming_email.smtp import listener as smtp
from issues import services
from servicedesk.models import Verification
from tests.incoming_email.world import make_mail
from tests.servers.dovecot import free_ports
from tests.servicedesk.customer_server import ADDRESS, custom_email
from tests.servicedesk.test_tickets import delivery_report
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
VERIFY = "support+verify@customer.example"


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def port():
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port)
    yield port
    controller.stop()


def hand_over(port, recipient, content, sender=CUSTOMER):
    """By RCPT to the address itself; the row that came of it, processed."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail(sender, [recipient], content)
    row = InboundEmail.objects.latest("pk")
    processing.process(row.pk)
    row.refresh_from_db()
    return row


def is_taken(recipient):
    return smtp.find_mailbox(recipient) is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"enabled": True},
        {"enabled": False},
        {"enabled": False, "state": Verification.FAILED},
        {"enabled": False, "state": Verification.NOT_STARTED, "retired_at": timezone.now()},
    ],
    ids=["on", "off", "verified once", "replaced"],
)
def test_mail_to_a_proven_address_becomes_a_ticket(desk, port, fields):
    custom_email(desk.settings, **fields)
    content = make_mail(to=ADDRESS, sender=CUSTOMER, subject="Help")
    row = hand_over(port, "Support@Customer.Example", content)
    assert (row.status, row.handler) == (Status.PROCESSED, "ticket")
    assert row.issue.project == desk.project


def test_replies_and_delivery_reports_come_in_by_their_key(desk, port):
    custom_email(desk.settings)
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="Try again")
    mail = sent_to(CUSTOMER)[-1]
    reply_to = mail.headers["Reply-To"].partition("<")[2].rstrip(">")
    assert reply_to.endswith("@customer.example")
    row = hand_over(port, reply_to, answer(mail, body="It works"))
    assert (row.status, row.note.body) == (Status.PROCESSED, "It works")
    report = delivery_report(mail.envelope_sender)
    assert hand_over(port, mail.envelope_sender, report, "").handler == "ticket_bounce"


@pytest.mark.parametrize(
    "address",
    [
        "support+0000000000000000000000000@customer.example",
        "support+0000000000000000000000000-unsubscribe@customer.example",
        "other@customer.example",
        "support@elsewhere.example",
        "support",
        "",
    ],
)
def test_what_leads_nowhere_is_refused(desk, port, address):
    custom_email(desk.settings)
    assert not is_taken(address)


def test_an_address_that_nobody_has_proven_takes_its_verification_only(desk):
    custom = custom_email(
        desk.settings, enabled=False, verified_at=None, state=Verification.NOT_STARTED
    )
    assert not is_taken(ADDRESS)
    assert not is_taken(VERIFY)
    custom.state, custom.started_at = Verification.STARTED, timezone.now()
    custom.save()
    assert is_taken(VERIFY)
    assert not is_taken(ADDRESS)


def test_a_mailbox_that_is_off_takes_none(desk):
    custom_email(desk.settings)
    assert is_taken(ADDRESS)
    desk.mailbox.enabled = False
    desk.mailbox.save()
    assert not is_taken(ADDRESS)
