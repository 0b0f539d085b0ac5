"""Exim hands mail to Letterbox by LMTP, and refuses unknown addresses at once."""

import pytest

from incoming_email.models import InboundEmail
from incoming_email.pipeline import processing
from incoming_email.smtp import listener as smtp
from tests.deploy.doc_blocks import take_block
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import free_ports
from tests.servers.exim import Exim
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

RECIPE = take_block("docs/operating.md", "acl_smtp_rcpt = acl_check_rcpt")


def test_exim_hands_mail_over():
    world = make_world()
    (port,) = free_ports(1)
    recipient = world.reply_address()
    places = {"incoming.example.com": "letterbox.localhost", "2424": str(port)}
    settings = RECIPE.text
    for there, here in places.items():
        assert there in settings
        settings = settings.replace(there, here)
    listener = smtp.start_listener("127.0.0.1", port, lmtp=True)
    try:
        with Exim(settings) as exim:
            mail = make_mail(to=recipient, sender=world.member.email, body="By Exim.")
            refused = exim.send([recipient, "nobody@letterbox.localhost"], mail)
            assert [code for code, _ in refused.values()] == [550], exim.log()
            wait_until(InboundEmail.objects.exists, or_show=exim.log)
            wait_until(lambda: "Completed" in exim.log(), or_show=exim.log)
    finally:
        listener.stop()
    row = InboundEmail.objects.get()
    assert row.recipient == recipient
    processing.process(row.pk)
    assert list(world.issue.notes.values_list("body", flat=True)) == ["By Exim."]
