"""A reader keeps its mailbox through steps of any length, and a wrong clock keeps nobody out."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from incoming_email.inboxes.base import InboxError
from incoming_email.models import Mailbox
from incoming_email.pipeline import fetching, leasing
from tests.incoming_email.factories import MailboxFactory
from tests.servers.fake_imap import DRIP, PASSWORD, FakeImap
from tests.servers.reading import mail
from tests.waiting import join_all, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def make_mailbox(server):
    return MailboxFactory(
        host="127.0.0.1", port=server.port, user="user@example.test", password=PASSWORD
    )


@pytest.fixture
def quick(monkeypatch, settings):
    """A lease of a second, and a server that is given up after some."""
    settings.MAILBOX_LEASE_SECONDS = 1
    real = Mailbox.account
    monkeypatch.setattr(
        Mailbox, "account", lambda mailbox: _with_timeout(real(mailbox), timeout=2.0)
    )


def _with_timeout(account, *, timeout):
    return replace(account, timeout=timeout)


def fetch_in_thread(mailbox, ended):
    def fetch():
        try:
            fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="first")
        except InboxError as fault:
            ended.append(fault.detail)
        finally:
            connection.close()

    thread = threading.Thread(target=fetch)
    thread.start()
    return thread


def test_nobody_else_goes_in_while_a_server_drips(quick):
    with FakeImap({1: mail("one")}) as server:
        mailbox, ended = make_mailbox(server), []
        server.script("SEARCH", b"* OK wait\r\n", then=DRIP)
        thread = fetch_in_thread(mailbox, ended)
        wait_until(lambda: server.sent("SEARCH"))
        others = 0
        while thread.is_alive():
            if fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="second") is None:
                others += 1
            assert server.connections == 1 or not thread.is_alive()
            time.sleep(0.1)
        join_all(thread)
    assert others > 15  # longer than the lease lasts by itself
    assert ended
    assert "no answer in time" in ended[0]


def test_the_lease_of_a_reader_that_is_stuck_ends(quick, monkeypatch):
    monkeypatch.setattr(leasing, "LONGEST_STEP_SECONDS", 0.5)
    mailbox = MailboxFactory()
    with leasing.holding(mailbox, holder="stuck", clock=timezone.now):

        def is_free():
            return Mailbox.objects.lease(mailbox.pk, holder="other", now=timezone.now(), seconds=1)

        assert not is_free()
        wait_until(is_free)


def test_a_lease_is_given_back():
    mailbox = MailboxFactory()
    with leasing.holding(mailbox, holder="test", clock=timezone.now):
        pass
    mailbox.refresh_from_db()
    assert (mailbox.lease_holder, mailbox.lease_until) == ("", None)


@pytest.mark.parametrize(
    ("ahead", "is_free"),
    [
        (timedelta(seconds=-1), True),
        (timedelta(seconds=60), False),
        (timedelta(seconds=85), False),  # a machine whose clock is some seconds ahead
        (timedelta(minutes=2), True),
        (timedelta(days=1), True),
        (timedelta(days=3650), True),
    ],
)
def test_a_lease_further_ahead_than_it_lasts_is_free(ahead, is_free):
    mailbox = MailboxFactory(lease_holder="watch host 1", lease_until=NOW + ahead)
    lease = Mailbox.objects.lease
    assert lease(mailbox.pk, holder="poll host 2", now=NOW, seconds=60) is is_free


@pytest.mark.parametrize(
    ("interval", "ahead", "is_polled"),
    [
        (60, timedelta(minutes=59), False),  # as long as a server may ask for
        (60, timedelta(hours=2), True),
        (60, timedelta(days=1), True),
        (86_400, timedelta(hours=23), False),
        (86_400, timedelta(days=2), True),
    ],
)
def test_a_pause_that_ends_later_than_any_lasts_does_not_count(interval, ahead, is_polled):
    MailboxFactory(poll_interval=interval, next_poll_at=NOW + ahead)
    assert Mailbox.objects.to_poll(NOW).exists() is is_polled


def test_a_mailbox_is_read_though_the_clock_was_a_day_ahead():
    with FakeImap({}) as server:
        mailbox = make_mailbox(server)
        tomorrow = timezone.now() + timedelta(days=1)
        row = Mailbox.objects.filter(pk=mailbox.pk)
        row.update(lease_holder="poll host 1", lease_until=tomorrow, next_poll_at=tomorrow)
        assert Mailbox.objects.to_poll(timezone.now()).exists()
        assert fetching.fetch(mailbox, holder="test") == 0
