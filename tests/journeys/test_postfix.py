"""Postfix hands mail to Letterbox: by LMTP, by SMTP, and through a Maildir."""

import os

import pytest

from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.pipeline import fetching, processing
from incoming_email.smtp import listener as smtp
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import free_ports
from tests.servers.postfix import Postfix
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SETTINGS = """\
virtual_mailbox_domains = letterbox.localhost
virtual_mailbox_maps =
virtual_transport = {kind}
"""
MAILDIR = """\
virtual_mailbox_domains = letterbox.localhost
virtual_mailbox_maps = inline:{{ incoming@letterbox.localhost=incoming/ }}
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:8
virtual_minimum_uid = 8
virtual_gid_maps = static:8
recipient_delimiter = +
"""
HANDED_OVER = {
    "lmtp": "lmtp:inet:127.0.0.1:{port}",
    "smtp": "smtp:[127.0.0.1]:{port}",
}


@pytest.fixture
def world():
    return make_world()


def answer(world, number):
    return make_mail(to="list@example.com", sender=world.member.email, body=f"Answer {number}.")


def notes(world):
    return sorted(world.issue.notes.values_list("body", flat=True))


@pytest.mark.parametrize("kind", HANDED_OVER)
def test_postfix_hands_mail_over(world, kind):
    """One recipient is not known: the others' mail comes in once, and his is sent back."""
    (port,) = free_ports(1)
    recipients = [world.reply_address(), "nobody@letterbox.localhost", world.issue_address()]
    settings = SETTINGS.format(kind=HANDED_OVER[kind].format(port=port))
    with Postfix(settings) as postfix:
        postfix.send(recipients, answer(world, 1))  # the listener does not run yet: Postfix waits
        wait_until(lambda: "status=deferred" in postfix.log())
        listener = smtp.start_listener("127.0.0.1", port, lmtp=kind == "lmtp")
        try:
            wait_until(lambda: postfix.log().count("status=sent") >= 2)
            wait_until(lambda: "status=bounced (host 127.0.0.1" in postfix.log())
        finally:
            listener.stop()
    rows = InboundEmail.objects.order_by("pk")
    assert {row.recipient for row in rows} == {recipients[0], recipients[2]}
    for row in rows:
        processing.process(row.pk)
    assert notes(world) == ["Answer 1."]


def test_postfix_delivers_into_a_maildir(world):
    address = world.reply_address()
    Mailbox.objects.update(enabled=False)
    with Postfix(MAILDIR) as postfix:
        for number in range(20):
            postfix.send([address], answer(world, number))
        wait_until(lambda: postfix.log().count("status=sent") == 20)
        mailbox = MailboxFactory(
            address=world.mailbox.address,
            inbox_method=InboxMethod.MAILDIR,
            maildir_path=str(postfix.folder / "mail/incoming"),
        )
        assert fetching.fetch(mailbox, holder="test") == 20
        left = [name for _, _, names in os.walk(mailbox.maildir_path) for name in names]
    assert left == []
    assert notes(world) == sorted(f"Answer {number}." for number in range(20))
