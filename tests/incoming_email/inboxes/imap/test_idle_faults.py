"""Waiting for mail at IMAP servers that err; group I of the public bug reports."""

import threading
import time

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap import waiting as imap
from incoming_email.inboxes.opening import open_inbox
from tests.servers.fake_imap import DROP, HANG, FakeImap
from tests.servers.reading import read_all
from tests.waiting import PATIENCE_SECONDS

ONE = b"Subject: one\r\n\r\n1\r\n"


TWO = b"Subject: two\r\n\r\n2\r\n"


THREE = b"Subject: three\r\n\r\n3\r\n"


MAIL = {1: ONE, 2: TWO, 3: THREE}


def test_i28_flags_before_the_idling_line_are_accepted() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("IDLE", b"* FLAGS (\\Seen)\r\n+ idling\r\n")
        assert inbox.wait(0.1) is False
        assert server.sent("DONE") == ["DONE"]


def test_news_before_or_with_the_idling_line_is_not_lost() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("IDLE", b"* 4 EXISTS\r\n+ idling\r\n")
        assert inbox.wait(PATIENCE_SECONDS) is True
        server.script("IDLE", b"+ idling\r\n* 5 EXISTS\r\n")
        assert inbox.wait(PATIENCE_SECONDS) is True


def test_a_line_that_comes_in_two_halves_is_waited_for() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account(idle_timeout=0.3)) as inbox:
        server.script("IDLE", b"+ idling\r\n* 4 EX")
        server.script("DONE", b"ISTS\r\nIDLE-TAG OK done\r\n")
        assert inbox.wait(PATIENCE_SECONDS) is True
        assert server.sent("IDLE") == ["IDLE"]


def test_an_exists_that_tells_nothing_new_wakes_nobody() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("IDLE", b"+ idling\r\n* 3 EXISTS\r\n* OK Still here\r\n")
        assert inbox.wait(0.2) is False


def test_mail_announced_beside_another_answer_is_news() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("STORE", b"* 4 EXISTS\r\nTAG OK done\r\n")
        read_all(inbox)
        assert inbox.wait(0) is True
        read_all(inbox)
        assert inbox.wait(0) is False


def test_idle_is_renewed() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account(idle_timeout=0.1)) as inbox:
        assert inbox.wait(2) is False
        assert 3 <= len(server.sent("IDLE")) <= 21


def test_idle_may_last_longer_than_the_time_out_of_an_answer() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account(timeout=1.0)) as inbox:
        assert inbox.wait(1.5) is False
        assert server.sent("IDLE") == ["IDLE"]


def test_i17_a_server_that_falls_silent_in_idle_is_given_up() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account(timeout=1.0)) as inbox:
        server.script("IDLE", b"+ idling\r\n", then=HANG)
        with pytest.raises(InboxError) as caught:
            inbox.wait(0.2)
        assert caught.value.detail == "no answer in time (timed out)"


@pytest.mark.parametrize("last", [b"", b"* BYE down for repair\r\n"])
def test_i13_a_server_that_goes_away_in_idle_is_told_at_once(last: bytes) -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("IDLE", b"+ idling\r\n" + last, then=DROP)
        start = time.monotonic()
        with pytest.raises(InboxError, match="down for repair" if last else "EOF"):
            inbox.wait(PATIENCE_SECONDS)
        assert time.monotonic() - start < PATIENCE_SECONDS / 2


def test_a_refused_idle_is_replaced_by_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "NOOP_SECONDS", 0.05)
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("IDLE", b"TAG BAD not now\r\n")
        threading.Timer(0.2, server.script, ("NOOP", b"* 4 EXISTS\r\nTAG OK done\r\n")).start()
        assert inbox.wait(PATIENCE_SECONDS) is True
        assert server.sent("IDLE") == ["IDLE"]
