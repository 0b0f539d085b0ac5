"""Mail that a server does not tell of, or that a dead connection keeps, is found by the watcher."""

import threading
import time
from dataclasses import replace

import pytest
from django.db import connection

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline.watching import Watch
from tests.incoming_email.factories import MailboxFactory
from tests.servers.dovecot import password_of
from tests.servers.fake_imap import PASSWORD, FakeImap
from tests.servers.faulty_link import FaultyLink
from tests.servers.imap_behaviours import CAPABILITIES, COURIER, MAILUTILS
from tests.servers.mailutils import Mailutils
from tests.servers.reading import mail
from tests.waiting import join_all, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watch():
    """Starts a watch of a mailbox; it is stopped after the test."""
    threads = []

    def start(mailbox):
        watch = Watch(mailbox.pk, mailbox.account(), "watch test")

        def run():
            try:
                watch.run()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        threads.append((watch, thread))
        thread.start()

    yield start
    for watch, _thread in threads:
        watch.stopped.set()
    join_all(*(thread for _watch, thread in threads))


def has_stored(count):
    return lambda: InboundEmail.objects.count() == count


@pytest.mark.parametrize("behaviour", [COURIER, MAILUTILS], ids=["courier", "mailutils"])
def test_a_server_that_tells_late_or_never(watch, behaviour):
    capability = CAPABILITIES["mailutils"] if behaviour is MAILUTILS else "IMAP4rev1 IDLE UIDPLUS"
    with FakeImap({1: mail("one")}, behaviour=behaviour, capability=capability) as server:
        mailbox = MailboxFactory(
            host="127.0.0.1",
            port=server.port,
            user="user@example.test",
            password=PASSWORD,
            idle_timeout=1,
        )
        watch(mailbox)
        wait_until(has_stored(1))
        wait_until(lambda: server.sent("IDLE"))
        for number in (2, 3):
            server.add(mail(f"no. {number}"))
            wait_until(has_stored(number), 10.0)
        assert server.connections == 1


@pytest.mark.services
def test_the_real_mailutils_after_a_store(watch):
    with Mailutils() as server:
        server.add(mail("one"))
        mailbox = MailboxFactory(**server.columns(), idle_timeout=2)
        watch(mailbox)
        wait_until(has_stored(1))
        for number in (2, 3):
            time.sleep(0.5)  # the watcher has gone back to IDLE
            server.add(mail(f"no. {number}"))
            wait_until(has_stored(number))


@pytest.mark.services
def test_a_connection_that_falls_silent(watch, dovecot, imap_user, monkeypatch):
    """As behind a NAT that forgot it: neither end hears of it, and new connections work."""
    real = Mailbox.account
    monkeypatch.setattr(Mailbox, "account", lambda each: replace(real(each), timeout=2.0))
    with FaultyLink(dovecot.port) as link:
        mailbox = MailboxFactory(
            host="localhost",
            port=link.port,
            user=imap_user,
            password=password_of(imap_user),
            idle_timeout=2,
        )
        dovecot.deliver(imap_user, mail("one"))
        watch(mailbox)
        wait_until(has_stored(1))
        wait_until(lambda: dovecot.is_idling(imap_user))
        link.fall_silent()
        dovecot.deliver(imap_user, mail("two"))
        wait_until(has_stored(2))
        assert link.connections == 2
