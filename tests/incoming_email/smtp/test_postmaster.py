"""Mail for the postmaster of our domains is taken, and an administrator reads it."""

import smtplib

import pytest

from incoming_email.models import InboundEmail, RefusedRecipient
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing
from incoming_email.smtp import listener as smtp
from issues.models import OutgoingEmail
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import free_ports
from tests.waiting import PATIENCE_SECONDS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", ["postmaster", "PostMaster@Letterbox.localhost"])
def test_it_is_taken_and_held(address):
    make_world()
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port)
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS) as client:
            content = make_mail(to="postmaster@letterbox.localhost", sender="ann@customer.example")
            assert client.sendmail("ann@customer.example", [address], content) == {}
            assert client.mail("ann@customer.example")[0] == 250
            assert client.rcpt("postmaster@elsewhere.example")[0] == 550
    finally:
        controller.stop()
    controller.handler.write_refusals()

    row = InboundEmail.objects.get()
    processing.process(row.pk)
    row.refresh_from_db()
    assert (row.status, row.reason) == (Status.HELD, Reason.POSTMASTER)
    assert not OutgoingEmail.objects.exists()
    assert RefusedRecipient.objects.get().recipient == "postmaster@elsewhere.example"
