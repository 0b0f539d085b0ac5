"""Keeps each mailbox open, by IDLE where it is IMAP, so that mail is ingested as it arrives."""

import itertools
import logging
import os
import random
import socket
import threading
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import Error
from django.utils import timezone

from incoming_email.inboxes.base import Inbox, InboxError
from incoming_email.inboxes.methods import Account
from incoming_email.models import Mailbox, heartbeats
from incoming_email.pipeline import claims, fetching
from incoming_email.pipeline.leasing import LeaseLostError, renew
from incoming_email.pipeline.receiving import NoSpaceError
from issues import connections, memory, watchdog

logger = logging.getLogger(__name__)
RECONCILE_SECONDS = 10
"""How often the rows are looked at; with LISTEN_SECONDS an edit is in force within 30 s."""
LISTEN_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0
LAST_PAUSE_SECONDS = 300.0
STEADY_SECONDS = 60.0
"""A connection that held so long was sound; what broke it says nothing about the next one."""

LEASE_TAKEN_SECONDS = 5.0
LAST_OWN_PAUSE_SECONDS = 10.0
"""The mail server need not be spared while our own database is away, or our disk nearly full:
nothing is asked of it."""

GOODBYE_SECONDS = 3.0
"""For all connections together: one that waits in IDLE may not hear of the end in time."""

LOOK_SECONDS = 0.1
THREAD_NAME = "watch-"


@dataclass(frozen=True, slots=True)
class Watch:
    """One mailbox under watch, with the settings that its connection was opened with."""

    mailbox_id: int
    account: Account
    holder: str
    stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> threading.Thread:
        name = f"{THREAD_NAME}{self.mailbox_id}"
        thread = threading.Thread(target=self.run, name=name, daemon=True)
        thread.start()
        logger.info("watching mailbox=%s", self.mailbox_id)
        return thread

    def run(self) -> None:
        """Connect, ingest, listen; after a failure pause, longer each time, and start again."""
        failures = 0
        while not self.stopped.is_set():
            started = time.monotonic()
            try:
                with connections.unit_of_work():
                    self._visit()
            except LeaseLostError:
                self.stopped.wait(LEASE_TAKEN_SECONDS)
            except (InboxError, Error, Mailbox.DoesNotExist) as error:
                held = time.monotonic() - started > STEADY_SECONDS
                failures = 1 if held else failures + 1
                self.stopped.wait(self._choose_pause(error, failures))

    def _choose_pause(self, error: Exception, failures: int) -> float:
        pause = choose_pause(failures)
        if isinstance(error, NoSpaceError):
            return min(pause, LAST_OWN_PAUSE_SECONDS)
        if isinstance(error, InboxError):
            return max(pause, error.retry_after)
        is_away = connections.is_away(error)
        logger.warning(
            "visit broken off mailbox=%s error=%s",
            self.mailbox_id,
            type(error).__name__,
            exc_info=error if is_away else None,
        )
        return min(pause, LAST_OWN_PAUSE_SECONDS) if is_away else pause

    def _visit(self) -> None:
        mailbox = Mailbox.objects.get(pk=self.mailbox_id)
        with fetching.visit(mailbox, holder=self.holder) as inbox:
            while not self.stopped.is_set():
                looked_at = time.monotonic()
                with connections.unit_of_work():
                    new = fetching.ingest(mailbox, inbox, holder=self.holder, clock=timezone.now)
                if new:
                    memory.give_back()
                self._listen(mailbox, inbox, until=looked_at + mailbox.idle_timeout)

    def _listen(self, mailbox: Mailbox, inbox: Inbox, *, until: float) -> None:
        """Until mail may have come, or it is time to look: a server may say nothing of new mail,
        and no silence proves that there is none."""
        polling = mailbox.method.polling if mailbox.method else None
        looks_anyway = polling is not None and not polling.by_interval
        while not self.stopped.is_set():
            left = until - time.monotonic()
            if looks_anyway and left <= 0:
                return
            if inbox.wait(min(LISTEN_SECONDS, left) if looks_anyway else LISTEN_SECONDS):
                return
            with connections.unit_of_work():
                renew(mailbox, holder=self.holder, now=timezone.now())


_numbers = itertools.count(1)
Watches = dict[int, tuple[Watch, threading.Thread]]


def choose_pause(failures: int) -> float:
    """Seconds: doubled with each failure in a row.

    With jitter, so that a server that comes back is not hit by all at once.
    """
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 30), LAST_PAUSE_SECONDS)
    return pause * random.uniform(0.5, 1.5)  # noqa: S311


def watch_mailboxes(stopped: threading.Event) -> None:
    """Watch every mailbox that mail is fetched from until `stopped`; follow edits of the rows."""
    watches: Watches = {}
    while not stopped.is_set():
        watchdog.feed()
        with connections.surviving_faults("look for mailboxes"):
            _reconcile(watches, _find_accounts(), f"watch {socket.gethostname()} {os.getpid()}")
            heartbeats.record_heartbeat(heartbeats.WATCHER, now=timezone.now())
        stopped.wait(RECONCILE_SECONDS)
    watchdog.rest()
    for watch, _thread in watches.values():
        watch.stopped.set()
    _await_end()
    with connections.surviving_faults("release mailboxes"):
        for mailbox_id, (watch, _thread) in watches.items():
            Mailbox.objects.release(mailbox_id, holder=watch.holder)
        claims.give_back_all()


def _await_end() -> None:
    """Messages under way may take as long as a worker's tasks; the threads end with the process."""
    begun = time.monotonic()
    while any(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate()):
        waited = time.monotonic() - begun
        if waited > (settings.WORKER_SHUTDOWN_SECONDS if claims.is_any_held() else GOODBYE_SECONDS):
            break
        time.sleep(LOOK_SECONDS)


def _find_accounts() -> dict[int, Account]:
    return {mailbox.pk: mailbox.account() for mailbox in Mailbox.objects.fetched()}


def _reconcile(watches: Watches, accounts: dict[int, Account], holder: str) -> None:
    """Stop what was disabled or edited; start what is new, or died of a fault of ours."""
    for mailbox_id, (watch, thread) in list(watches.items()):
        if accounts.get(mailbox_id) != watch.account or not thread.is_alive():
            watch.stopped.set()
            del watches[mailbox_id]
    for mailbox_id, account in accounts.items():
        if mailbox_id not in watches:
            # Each has a name of its own: one that is stopped may still be inside.
            watch = Watch(mailbox_id, account, f"{holder} {next(_numbers)}")
            watches[mailbox_id] = watch, watch.start()
