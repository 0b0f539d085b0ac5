"""A link that breaks at random bytes for ten minutes of load: nothing is lost, nothing twice.

The minutes are simulated: a clock of our own jumps over pauses, while mail, cuts, IDLE and Dovecot
are real. FAULTY_LINK_SECONDS=600 takes as many seconds of the real clock instead, and
FAULTY_LINK_HOURS=24 simulates a day in which mail and cuts come each minute.
"""

import os
import random
import threading
import time
from collections import Counter

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.reader import ImapInbox
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching, watching
from incoming_email.pipeline.watching import Watch
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import password_of
from tests.servers.faulty_link import FaultyLink

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

REAL_SECONDS = float(os.environ.get("FAULTY_LINK_SECONDS", "0"))
HOURS = float(os.environ.get("FAULTY_LINK_HOURS", "0"))
SECONDS = REAL_SECONDS or 3600.0 * HOURS or 600.0
MAIL_SECONDS, CUT_SECONDS, POLL_SECONDS = (60.0, 75.0, 60.0) if HOURS else (4.0, 5.0, 10.0)
"""Between two mails and between two cuts, on average."""
CUTS = range(1, 5_000)
PATIENCE = 20


class Load:
    """What comes in and breaks, by a clock that is moved from outside."""

    def __init__(self, link, deliver, mails):
        self.now, self.link, self.deliver = 0.0, link, deliver
        self.choose = random.Random(20261125)
        self.arrivals = list(zip(self.moments(MAIL_SECONDS), mails, strict=False))
        self.delivered = 0
        self.cuts = list(self.moments(CUT_SECONDS))

    def moments(self, mean):
        at = self.choose.expovariate(1 / mean)
        while at < SECONDS:
            yield at
            at += self.choose.expovariate(1 / mean)

    def advance(self, seconds):
        self.now += seconds
        due = []
        while self.arrivals and self.arrivals[0][0] <= self.now:
            due.append(self.arrivals.pop(0)[1])
        if due:
            self.deliver(*due)
        self.delivered += len(due)
        if self.cuts and self.cuts[0] <= self.now:
            self.break_link()
        while self.cuts and self.cuts[0] <= self.now:
            self.cuts.pop(0)
        return bool(due)

    def break_link(self):
        """It may fall into a greeting, a message, a flag's answer, or our own command."""
        self.link.split = self.choose.choice([0, 0, 1, 1000])
        setattr(
            self.link,
            self.choose.choice(["drop_after", "drop_up_after"]),
            self.choose.choice(CUTS),
        )
        if self.choose.random() < 0.2:
            self.link.cut()

    def until_next(self, seconds):
        """To the next mail, at most so long."""
        return min(seconds, max(self.arrivals[0][0] - self.now, 0.0) if self.arrivals else seconds)


class Stop(threading.Event):
    """Pauses pass on the clock of the load, and its time is up when the load's is."""

    def __init__(self, load):
        super().__init__()
        self.load = load

    def wait(self, timeout=None):
        self.load.advance(timeout or 0.0)
        return self.is_set()

    def is_set(self):
        return super().is_set() or self.load.now >= SECONDS


def poll(mailbox, load, stop):
    while not stop.is_set():
        try_to_fetch(mailbox)
        stop.wait(POLL_SECONDS)


def watch(mailbox, load, stop):
    Watch(mailbox.pk, mailbox.account(), "test", stop).run()


@pytest.fixture
def clock(monkeypatch):
    """Gives the event that ends it all: simulated, or driven by a thread in real time."""
    threads = []

    def start(load):
        # A link as bad as this would be left alone for minutes.
        monkeypatch.setattr(watching, "LAST_PAUSE_SECONDS", 4.0)
        if REAL_SECONDS:
            stop = threading.Event()
            threads.append(threading.Thread(target=run_in_real_time, args=(load, stop)))
            threads[0].start()
            return stop
        wait = ImapInbox.wait

        def jump(inbox, seconds):
            has_come = load.advance(load.until_next(seconds))
            return wait(inbox, 5.0 if has_come else 0.02)

        monkeypatch.setattr(ImapInbox, "wait", jump)
        simulated = type("clock", (), {"monotonic": lambda: load.now})
        monkeypatch.setattr(watching, "time", simulated)
        return Stop(load)

    yield start
    for thread in threads:
        thread.join()


def run_in_real_time(load, stop):
    started = time.monotonic()
    while load.now < SECONDS:
        time.sleep(0.05)
        load.advance(time.monotonic() - started - load.now)
    stop.set()


@pytest.mark.parametrize(
    ("run", "kept"),
    [(poll, {"delete_after_delivery": False}), (watch, {"expunge_deleted": True})],
    ids=["poll", "watch"],
)
@pytest.mark.timeout(300 + SECONDS)
def test_cuts_at_random_bytes(dovecot, imap_user, clock, settings, run, kept):
    settings.SENDER_LIMIT_PER_HOUR = settings.PROJECT_LIMIT_PER_HOUR = 10**6
    world = make_world()
    Mailbox.objects.update(enabled=False)
    with FaultyLink(dovecot.port) as link:
        mailbox = MailboxFactory(
            address=world.mailbox.address,
            host="127.0.0.1",
            port=link.port,
            user=imap_user,
            password=password_of(imap_user),
            **kept,
        )
        mails = mails_of(world)
        load = Load(link, lambda *due: dovecot.deliver(imap_user, *due), mails)
        run(mailbox, load, clock(load))
        connections = link.connections
        link.split = link.drop_after = link.drop_up_after = 0
        assert any(try_to_fetch(mailbox) for _ in range(PATIENCE))
    process_what_is_left()
    assert connections > SECONDS / CUT_SECONDS / 4
    assert load.delivered > SECONDS / MAIL_SECONDS / 2
    bodies = Counter(world.issue.notes.values_list("body", flat=True))
    assert bodies == {f"Answer {n}.": 1 for n in range(load.delivered)}
    rows = InboundEmail.objects.filter(mailbox=mailbox)
    assert rows.count() == rows.filter(status=Status.PROCESSED).count() == len(bodies)


def mails_of(world):
    address = world.reply_address()
    for number in range(int(SECONDS)):
        filling = "y" * 60 if number % 7 else "z" * 900
        yield make_mail(
            to=address,
            sender=world.member.email,
            body=f"Answer {number}.",
            X_Filling=filling,
        )


def try_to_fetch(mailbox):
    """Whether it went through without a cut."""
    try:
        fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="test")
    except InboxError:
        return False
    return True


def process_what_is_left():
    for row in InboundEmail.objects.filter(status=Status.PENDING):
        InboundEmail.objects.filter(pk=row.pk).update(next_attempt_at=row.received_at)
        fetching.processing.process(row.pk)
