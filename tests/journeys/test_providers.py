"""What providers do differently, imitated by Dovecot: mail is taken in all the same.

Elsewhere: XOAUTH2 in test_imap_xoauth2.py, Microsoft Graph in test_graph.py.
"""

import smtplib
import threading
import time
from contextlib import contextmanager

import pytest
from django.db import connections

from incoming_email.inboxes.imap import waiting as imap
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import fetching, watching
from incoming_email.pipeline.watching import Watch
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import Dovecot, password_of
from tests.servers.faulty_link import FaultyLink
from tests.waiting import join_all, wait_until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
QUIET_SECONDS = 1.0
GOODBYE = b"* BYE Autologout; idle for too long\r\n"


@pytest.fixture
def world():
    return make_world()


def make_mailbox(server, user, *, port=0, **fields):
    Mailbox.objects.update(enabled=False)
    given = {"address": user.replace("@", "+%{key}@"), "host": "localhost"} | fields
    return Mailbox.objects.create(
        name="provider",
        enabled=True,
        port=port or server.port,
        user=user,
        password=password_of(user),
        **given,
    )


def answers(world, *numbers, to="", **headers):
    to = to or world.reply_address()
    return [
        make_mail(to=to, sender=world.member.email, body=f"Answer {number}.", **headers)
        for number in numbers
    ]


def notes(world):
    return list(world.issue.notes.order_by("pk").values_list("body", flat=True))


@contextmanager
def watched(mailbox, monkeypatch):
    monkeypatch.setattr(watching, "LAST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(watching, "LISTEN_SECONDS", 3 * QUIET_SECONDS)
    watch = Watch(mailbox.pk, mailbox.account(), "test")

    def run():
        watch.run()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        watch.stopped.set()
        join_all(thread)


@pytest.fixture(scope="module")
def exchange():
    """As Exchange without plus addressing: user+detail is somebody else."""
    with Dovecot(sub_addresses=False) as server:
        yield server


def test_without_sub_addresses_a_reply_is_found_by_its_references(world, exchange):
    user = exchange.take_user()
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        exchange.deliver(user, b"Subject: x\r\n\r\n", recipient=user.replace("@", "+key@"))
    mailbox = make_mailbox(exchange, user, address=user)
    reply = answers(world, 1, to=user, References=f"<other@example.com> <{world.reply_id()}>")
    lost = make_mail(to=user, sender=world.member.email, subject="Something new")
    exchange.deliver(user, *reply, lost)
    assert fetching.fetch(mailbox, holder="test") == 2
    assert notes(world) == ["Answer 1."]
    last = InboundEmail.objects.latest("pk")
    assert (last.status, last.reason) == (Status.REJECTED, Reason.REPLIES_ONLY)


def test_without_sub_addresses_a_catch_all_takes_every_key(world, exchange):
    """The server rewrites the recipient; the address that was meant still stands in To."""
    user = exchange.take_user()
    mailbox = make_mailbox(exchange, user, address="incoming-%{key}@catch-all.example.test")
    (reply,) = answers(world, 1)
    assert b"To: incoming-" in reply
    exchange.deliver(user, reply)
    assert fetching.fetch(mailbox, holder="test") == 1
    assert notes(world) == ["Answer 1."]


def test_without_idle_and_uidplus_the_watcher_asks_and_leaves_marks(
    world, plain_dovecot, monkeypatch
):
    monkeypatch.setattr(imap, "NOOP_SECONDS", 0.1)
    user = plain_dovecot.take_user()
    mailbox = make_mailbox(plain_dovecot, user, expunge_deleted=True)
    with watched(mailbox, monkeypatch):
        for number in (1, 2):
            plain_dovecot.deliver(user, *answers(world, number))
            wait_until(lambda: len(notes(world)) == number)  # noqa: B023
    assert notes(world) == ["Answer 1.", "Answer 2."]
    assert set(plain_dovecot.messages(user).values()) == {frozenset({rb"\Seen", rb"\Deleted"})}


@pytest.fixture
def impatient(dovecot):
    """As providers and firewalls that end what is quiet."""
    with FaultyLink(dovecot.port) as link:
        link.quiet_seconds, link.goodbye = QUIET_SECONDS, GOODBYE
        yield link


def test_who_is_ended_for_being_quiet_connects_again(
    world, dovecot, imap_user, impatient, monkeypatch
):
    mailbox = make_mailbox(dovecot, imap_user, port=impatient.port)
    with watched(mailbox, monkeypatch):
        for number in (1, 2, 3):
            dovecot.deliver(imap_user, *answers(world, number))
            wait_until(lambda: len(notes(world)) == number)  # noqa: B023
            ended = impatient.connections
            wait_until(lambda: impatient.connections > ended)  # noqa: B023
    assert notes(world) == ["Answer 1.", "Answer 2.", "Answer 3."]
    assert InboundEmail.objects.count() == 3


@pytest.mark.parametrize("ends", [GOODBYE, b""], ids=["with a word", "without"])
def test_how_a_provider_ends_it_is_told(world, dovecot, imap_user, impatient, monkeypatch, ends):
    impatient.goodbye = ends
    mailbox = make_mailbox(dovecot, imap_user, port=impatient.port)
    with watched(mailbox, monkeypatch):
        wait_until(lambda: impatient.connections > 1)
        failed = Mailbox.objects.exclude(last_error="")
        wait_until(lambda: failed.values_list("last_error", flat=True).first())


def test_idle_renewed_in_time_keeps_the_connection(
    world, dovecot, imap_user, impatient, monkeypatch
):
    """The way to live with such a provider: a shorter `idle_timeout`."""
    impatient.quiet_seconds = 5 * QUIET_SECONDS  # so that we are in time on a busy machine, too
    monkeypatch.setattr(imap, "IDLE_LIMIT_SECONDS", QUIET_SECONDS / 4)
    mailbox = make_mailbox(dovecot, imap_user, port=impatient.port)
    with watched(mailbox, monkeypatch):
        dovecot.deliver(imap_user, *answers(world, 1))
        wait_until(lambda: len(notes(world)) == 1)
        time.sleep(1.5 * impatient.quiet_seconds)
        dovecot.deliver(imap_user, *answers(world, 2))
        wait_until(lambda: len(notes(world)) == 2)
    assert impatient.connections == 1
