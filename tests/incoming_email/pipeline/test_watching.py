"""The watcher over the years: its pauses, its threads, edits of the rows."""

import threading

import pytest
from django.db import DataError, OperationalError, connection

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.maildir.account import MaildirFolder
from incoming_email.models import Heartbeat, heartbeats
from incoming_email.pipeline import fetching, watching
from incoming_email.pipeline.receiving import NoSpaceError
from incoming_email.pipeline.watching import Watch, choose_pause
from issues import connections
from tests.waiting import PATIENCE_SECONDS, join_all, wait_until

SECONDS = {1: 1, 2: 2, 3: 4, 9: 256, 10: 300, 1000: 300}


@pytest.mark.parametrize("failures", SECONDS)
def test_pauses_grow_up_to_a_limit_with_jitter(failures):
    pauses = [choose_pause(failures) for _ in range(200)]
    assert 0.5 * SECONDS[failures] <= min(pauses) < max(pauses) <= 1.5 * SECONDS[failures]
    assert len(set(pauses)) > 100


class Waits(threading.Event):
    """Notes how long was waited for it, and waits no time."""

    def __init__(self, until):
        super().__init__()
        self.until, self.seconds = until, []

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        if len(self.seconds) >= self.until:
            self.set()
        return self.is_set()


def run(monkeypatch, *visits):
    """How long a watch waits after visits that last so long and end in that fault."""
    left, clock = list(visits), [0.0]

    def visit(_watch):
        lasted, fault = left.pop(0)
        clock[0] += lasted
        raise fault

    monkeypatch.setattr(Watch, "_visit", visit)
    monkeypatch.setattr(watching, "choose_pause", float)
    monkeypatch.setattr(connections, "validate", lambda: None)
    monkeypatch.setattr(watching, "time", type("clock", (), {"monotonic": lambda: clock[0]}))
    waits = Waits(len(visits))
    Watch(1, MaildirFolder("/none"), "test", waits).run()
    return waits.seconds


def test_a_server_that_fails_again_and_again_is_asked_less_and_less(monkeypatch):
    fault = InboxError("gone")
    assert run(monkeypatch, (1, fault), (1, fault), (59, fault)) == [1, 2, 3]


def test_a_connection_that_held_begins_the_pauses_anew(monkeypatch):
    """Office 365 ends every connection now and then: for years on end that is no failure."""
    fault = InboxError("gone")
    visits = [(1, fault), (1, fault), (1800, fault), (1, fault), (1800, fault)]
    assert run(monkeypatch, *visits) == [1, 2, 1, 2, 1]


def test_the_servers_wish_is_kept(monkeypatch):
    busy = InboxError("busy", retry_after=90)
    assert run(monkeypatch, (1, busy), (1, InboxError("gone"))) == [90, 2]


def test_a_lease_of_another_one_is_no_failure(monkeypatch):
    taken, fault = fetching.LeaseLostError("mailbox"), InboxError("gone")
    assert run(monkeypatch, (1, fault), (1, taken), (1, fault)) == [1, 5.0, 2]


def test_a_database_that_is_away_is_asked_again_soon(monkeypatch):
    """The mail server is not asked anything meanwhile, so it need not be spared."""
    away = OperationalError("connection refused")
    assert run(monkeypatch, *[(1, away)] * 12) == [*range(1, 11), 10, 10]


def test_a_disk_that_was_nearly_full_is_looked_at_again_soon(monkeypatch):
    short = NoSpaceError("no space")
    assert run(monkeypatch, *[(1, short)] * 12) == [*range(1, 11), 10, 10]


def test_a_row_that_the_database_refuses_spares_the_mail_server(monkeypatch):
    assert run(monkeypatch, *[(1, DataError("too long"))] * 12) == [*range(1, 13)]


@pytest.fixture
def idle_watches(monkeypatch):
    """Watches that do nothing until they are stopped."""
    monkeypatch.setattr(Watch, "run", lambda watch: watch.stopped.wait(PATIENCE_SECONDS))
    watches = {}
    yield watches
    for watch, _thread in watches.values():
        watch.stopped.set()
    join_all(*[thread for _watch, thread in watches.values()])


A, B = MaildirFolder("/a"), MaildirFolder("/b")


def test_an_edited_mailbox_is_watched_anew_and_a_disabled_one_no_more(idle_watches):
    watching._reconcile(idle_watches, {1: A, 2: A}, "test")
    first, second = idle_watches[1], idle_watches[2]

    watching._reconcile(idle_watches, {1: B}, "test")

    assert first[0].stopped.is_set()
    assert second[0].stopped.is_set()
    assert list(idle_watches) == [1]
    assert idle_watches[1][0].account == B
    # The first may still be inside, so the lease must not be theirs together.
    assert idle_watches[1][0].holder != first[0].holder
    assert idle_watches[1][1].is_alive()


def test_an_unchanged_mailbox_keeps_its_connection(idle_watches):
    watching._reconcile(idle_watches, {1: A}, "test")
    before = idle_watches[1]
    watching._reconcile(idle_watches, {1: A}, "test")
    assert idle_watches[1] is before


def test_a_watch_that_died_of_a_fault_of_ours_is_replaced(monkeypatch):
    monkeypatch.setattr(Watch, "run", lambda _watch: None)
    watches = {}
    watching._reconcile(watches, {1: A}, "test")
    dead = watches[1]
    join_all(dead[1])

    watching._reconcile(watches, {1: A}, "test")

    assert watches[1] is not dead


@pytest.mark.django_db(transaction=True)
def test_watching_ends_when_it_is_told_to(monkeypatch):
    monkeypatch.setattr(watching, "RECONCILE_SECONDS", 0.05)
    stopped = threading.Event()
    thread = threading.Thread(
        target=lambda: (watching.watch_mailboxes(stopped), connection.close())
    )
    thread.start()
    wait_until(Heartbeat.objects.filter(name=heartbeats.WATCHER).exists)
    stopped.set()
    join_all(thread)
