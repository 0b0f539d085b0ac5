"""Postfix hands mail to Letterbox: by LMTP, by SMTP, and through a Maildir."""

import os

import pytest

from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.pipeline import fetching, processing
from incoming_email.smtp import listener as smtp
from issues import outbox
from issues.models import OutgoingState
from tests.deploy.doc_blocks import take_block
from tests.deploy.reading import ROOT
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world
from tests.issues.outgoing import NOW, enqueue
from tests.servers.dovecot import free_ports
from tests.servers.postfix import Postfix
from tests.servicedesk.world import CUSTOMER, make_desk
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DOMAIN = "virtual_mailbox_domains = incoming.example.com\nvirtual_mailbox_maps ="
BY_LMTP = take_block("docs/operating.md", f"{DOMAIN}\n")
NO_FOREIGN_RESULTS = take_block("docs/operating.md", "header_checks = ")
NO_FOREIGN_MARKS = take_block("docs/operating.md", "# results and marks of spam")
BY_MAILDIR = take_block("docs/operating.md", f"{DOMAIN} inline:")
LMTP, SMTP = "lmtp:inet:127.0.0.1:2424", "smtp:[127.0.0.1]:2525"


def settings_from(block, places):
    """Those of the docs, with what has another name or place here."""
    text = block.text.replace("{", "{{").replace("}", "}}")
    for there, here in places.items():
        assert there in text
        text = text.replace(there, here)
    return text.replace("incoming.example.com", "letterbox.localhost")


@pytest.fixture
def world():
    return make_world()


def answer(world, number):
    return make_mail(to="list@example.com", sender=world.member.email, body=f"Answer {number}.")


def notes(world):
    return sorted(world.issue.notes.values_list("body", flat=True))


@pytest.mark.parametrize("transport", [LMTP, SMTP])
def test_postfix_hands_mail_over(world, transport):
    """One recipient is not known: the others' mail comes in once, and his is sent back."""
    (port,) = free_ports(1)
    recipients = [world.reply_address(), "nobody@letterbox.localhost", world.issue_address()]
    assert f"virtual_transport = {transport}" in (ROOT / "docs/operating.md").read_text()
    here = f"{transport.rpartition(':')[0]}:{port}"
    settings = settings_from(BY_LMTP, {LMTP: here})
    with Postfix(settings) as postfix:
        postfix.send(recipients, answer(world, 1))  # the listener does not run yet: Postfix waits
        wait_until(lambda: "status=deferred" in postfix.log())
        listener = smtp.start_listener("127.0.0.1", port, lmtp=transport == LMTP)
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
    settings = settings_from(BY_MAILDIR, {"/srv/mail": "{folder}/mail", "static:1001": "static:8"})
    with Postfix(f"{settings}virtual_minimum_uid = 8\n") as postfix:
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


@pytest.mark.parametrize("is_offered", [True, False])
def test_an_address_beyond_ascii_goes_out_where_postfix_takes_it(settings, is_offered):
    """RFC 6531: with SMTPUTF8 to the address as it is, else not at all, with a sentence."""
    takes_all = (
        "virtual_mailbox_domains = customer.example\nvirtual_mailbox_maps = static:all/\n"
        "virtual_mailbox_base = {folder}/mail\nvirtual_minimum_uid = 8\n"
        "virtual_uid_maps = static:8\nvirtual_gid_maps = static:8\n"
    )
    with Postfix(takes_all + ("" if is_offered else "smtputf8_enable = no\n")) as postfix:
        settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", postfix.port
        row = enqueue(recipient="rené@customer.example", text="Café")
        assert outbox.deliver_due(now=NOW) == int(is_offered)
        row.refresh_from_db()
        if not is_offered:
            assert row.state == OutgoingState.FAILED
            assert "does not take those (SMTPUTF8, RFC 6531)" in row.last_error
            return
        wait_until(lambda: "status=sent (delivered to maildir)" in postfix.log())
        (file,) = (postfix.folder / "mail/all/new").iterdir()
        assert "\nTo: rené@customer.example\n" in file.read_text()
        assert "to=<rené@customer.example>" in postfix.log()


@pytest.mark.parametrize("is_removed", [True, False])
def test_results_that_a_sender_wrote_are_removed_by_postfix(settings, is_removed):
    settings.TRUSTED_RELAY_NETWORKS = ["127.0.0.1"]
    world = make_world(reply_sender_policy="require", trusted_authserv_id="mx.letterbox.localhost")
    domain = world.member.email.partition("@")[2]
    forged = make_mail(
        to=world.reply_address(),
        sender=world.member.email,
        Authentication_Results=f"(a)\r\n mx.letterbox.localhost; dmarc=pass header.from={domain}",
    )
    (port,) = free_ports(1)
    config = settings_from(BY_LMTP, {LMTP: f"lmtp:inet:127.0.0.1:{port}"})
    config += settings_from(NO_FOREIGN_RESULTS, {}) if is_removed else ""
    listener = smtp.start_listener("127.0.0.1", port, lmtp=True)
    try:
        with Postfix(config) as postfix:
            postfix.send([world.reply_address()], forged)
            wait_until(InboundEmail.objects.exists, or_show=postfix.log)
    finally:
        listener.stop()
    row = InboundEmail.objects.get()
    processing.process(row.pk)
    row.refresh_from_db()
    assert (row.status, row.peer) == ("held" if is_removed else "processed", "127.0.0.1")


@pytest.mark.parametrize("is_removed", [True, False])
def test_marks_of_spam_that_others_wrote_are_removed_by_postfix(settings, is_removed):
    settings.TRUSTED_RELAY_NETWORKS = ["127.0.0.1"]
    desk = make_desk()
    Mailbox.objects.update(spam_policy="hold")
    forged = make_mail(to=desk.address, sender=CUSTOMER, X_Spam_Flag="\r\n YES", x_gm_spam="1")
    (port,) = free_ports(1)
    config = settings_from(BY_LMTP, {LMTP: f"lmtp:inet:127.0.0.1:{port}"})
    config += settings_from(NO_FOREIGN_MARKS, {}) if is_removed else ""
    listener = smtp.start_listener("127.0.0.1", port, lmtp=True)
    try:
        with Postfix(config) as postfix:
            postfix.send([desk.address], forged)
            wait_until(InboundEmail.objects.exists, or_show=postfix.log)
    finally:
        listener.stop()
    row = InboundEmail.objects.get()
    processing.process(row.pk)
    row.refresh_from_db()
    assert row.status == ("processed" if is_removed else "held")
