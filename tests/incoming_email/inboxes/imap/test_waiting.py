"""Waiting for mail, against a real Dovecot."""

import threading
import time

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap import waiting as imap
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import Dovecot
from tests.servers.faulty_link import FaultyLink
from tests.servers.reading import mail, read_all, uids
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.services


@pytest.fixture
def account(dovecot: Dovecot, imap_user: str) -> ImapAccount:
    return dovecot.account(imap_user)


def test_new_mail_ends_the_wait(dovecot: Dovecot, account: ImapAccount) -> None:
    with open_inbox(account) as inbox:
        threading.Timer(0.3, dovecot.deliver, (account.user, mail("one"))).start()
        start = time.monotonic()
        assert inbox.wait(PATIENCE_SECONDS) is True
        # Dovecot itself waits half a second before it tells.
        assert 0.3 <= time.monotonic() - start < PATIENCE_SECONDS / 2
        assert len(read_all(inbox)) == 1


def test_a_wait_without_mail_ends_in_time(dovecot: Dovecot, account: ImapAccount) -> None:
    with open_inbox(account) as inbox:
        start = time.monotonic()
        assert inbox.wait(0.3) is False
        assert 0.3 <= time.monotonic() - start < PATIENCE_SECONDS


def test_mail_that_comes_between_reading_and_waiting_ends_the_wait(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        batch = next(inbox.unread())
        dovecot.append(account.user, mail("two"))
        inbox.acknowledge(batch)
        assert inbox.wait(PATIENCE_SECONDS) is True
        assert uids(read_all(inbox)) == [2]


def test_a_server_without_idle_is_asked(
    plain_dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "NOOP_SECONDS", 0.1)
    user = plain_dovecot.take_user()
    with open_inbox(plain_dovecot.account(user)) as inbox:
        start = time.monotonic()
        assert inbox.wait(0.25) is False
        assert 0.25 <= time.monotonic() - start < PATIENCE_SECONDS
        threading.Timer(0.2, plain_dovecot.append, (user, mail("one"))).start()
        assert inbox.wait(PATIENCE_SECONDS) is True
        assert uids(read_all(inbox)) == [1]


@pytest.mark.parametrize("how", ["kick", "kill_sessions"])
def test_a_session_that_ends_in_a_wait_is_an_inbox_error(dovecot: Dovecot, how: str) -> None:
    user = dovecot.take_user()
    with open_inbox(dovecot.account(user)) as inbox:
        threading.Timer(0.2, getattr(dovecot, how), (user,)).start()
        start = time.monotonic()
        with pytest.raises(InboxError):
            inbox.wait(PATIENCE_SECONDS)
        assert time.monotonic() - start < PATIENCE_SECONDS / 2


def test_a_link_that_swallows_everything_is_noticed_at_the_next_renewal(
    dovecot: Dovecot, imap_user: str
) -> None:
    with FaultyLink(dovecot.port) as link:
        account = dovecot.account(imap_user, port=link.port, timeout=2.0, idle_timeout=1)
        with open_inbox(account) as inbox:
            link.black_hole = True
            with pytest.raises(InboxError, match="no answer in time"):
                inbox.wait(PATIENCE_SECONDS)
            link.black_hole = False


def test_an_expunge_by_another_ends_the_wait(dovecot: Dovecot, account: ImapAccount) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        threading.Timer(0.2, dovecot.expunge, (account.user, [1])).start()
        assert inbox.wait(PATIENCE_SECONDS) is True
        assert read_all(inbox) == []
