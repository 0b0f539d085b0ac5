"""kill -9 in mid-run, again and again: 500 mails become 500 notes, no more and no fewer."""

import random
import time

import pytest

from tests.depth import DEPTH
from tests.journeys.installation import WORKER, Installation
from tests.servers.dovecot import password_of
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.timeout(900 * DEPTH),
]
COUNT = 500 * DEPTH
KILLS = 4 * DEPTH
NOTES = "SELECT count(*) FROM issues_note WHERE body LIKE 'Answer %'"
DONE = "SELECT count(*) FROM incoming_email_inboundemail WHERE status = 'processed'"


@pytest.fixture
def installation(tmp_path):
    made = Installation(
        tmp_path,
        PROCESSING_LEASE_SECONDS="4",
        TASK_TIME_LIMIT_SECONDS="3",
        MAILBOX_LEASE_SECONDS="1",
        MAX_ATTEMPTS="50",
        LOG_LEVEL="WARNING",
    )
    made.set_up()
    return made


def make_mailbox(installation, dovecot, user):
    """An IMAP mailbox, and the address by which Dana answers about the first issue."""
    name, _, domain = user.partition("@")
    return installation.ask(
        "Mailbox.objects.update(enabled=False);"
        f"Mailbox.objects.create(name='imap', enabled=True, address='{name}+%{{key}}@{domain}',"
        f" host='127.0.0.1', port={dovecot.port}, user='{user}', password='{password_of(user)}');"
        "from incoming_email.keys import reply_keys;"
        "dana = User.objects.get(username='dana');"
        "routes = reply_keys.reply_routes("
        "recipients=[dana], item=Issue.objects.get(iid=1), discussion='');"
        "print(routes[dana.pk].reply_to)"
    )


def mails(address):
    for number in range(COUNT):
        yield (
            f"From: dana@letterbox.localhost\r\nTo: {address}\r\nSubject: Re: it\r\n"
            f"Message-ID: <{number}@example.com>\r\n\r\nAnswer {number}.\r\n"
        ).encode()


def kill_in_mid_run(installation, *words):
    """Start the process and kill it at a random point after it has begun to act."""
    choose = random.Random(20261125)
    for _ in range(KILLS):
        before = installation.query(DONE)
        process = installation.start(*words)
        try:
            wait_until(lambda: installation.query(DONE) > before)  # noqa: B023
            time.sleep(choose.uniform(0, 0.15))
        finally:
            process.kill()
            process.wait()
        assert installation.query(DONE) < COUNT, "it was too quick to be killed in mid-run"
        time.sleep(1.1)  # the dead one's lease of the mailbox


def finish(installation):
    def done():
        installation.manage("check_incoming_email", "--fetch", "--json", check=False)
        return installation.query(DONE) >= COUNT

    wait_until(done, 600 * DEPTH)


def assert_each_acted_once(installation):
    rows = "SELECT count(*) FROM incoming_email_inboundemail"
    distinct = "SELECT count(DISTINCT body) FROM issues_note WHERE body LIKE 'Answer %'"
    counts = [installation.query(sql) for sql in (NOTES, distinct, DONE, rows)]
    assert counts == [COUNT] * 4


def test_the_poller_is_killed(installation, dovecot, imap_user):
    address = make_mailbox(installation, dovecot, imap_user)
    dovecot.deliver(imap_user, *mails(address))
    kill_in_mid_run(installation, "manage.py", "watch_mailboxes")
    finish(installation)
    assert_each_acted_once(installation)


def test_the_watcher_of_a_maildir_is_killed(installation, tmp_path):
    maildir = tmp_path / "Maildir"
    for name in ("tmp", "new", "cur"):
        (maildir / name).mkdir(parents=True)
    address = installation.ask(
        "Mailbox.objects.update(enabled=False);"
        "Mailbox.objects.create(name='maildir', enabled=True, inbox_method='maildir',"
        f" address='in+%{{key}}@example.test', maildir_path='{maildir}');"
        "from incoming_email.keys import reply_keys;"
        "dana = User.objects.get(username='dana');"
        "routes = reply_keys.reply_routes("
        "recipients=[dana], item=Issue.objects.get(iid=1), discussion='');"
        "print(routes[dana.pk].reply_to)"
    )
    for number, content in enumerate(mails(address)):
        (maildir / f"new/{number}.M1P1.host").write_bytes(content)
    kill_in_mid_run(installation, "manage.py", "watch_mailboxes")
    finish(installation)
    assert_each_acted_once(installation)
    assert [*(maildir / "new").iterdir(), *(maildir / "cur").iterdir()] == []


def test_the_worker_is_killed(installation, dovecot, imap_user):
    """The messages are in the ledger already; tasks only carry their ids."""
    address = make_mailbox(installation, dovecot, imap_user)
    folder = installation.folder / "mails"
    folder.mkdir()
    for number, content in enumerate(mails(address)):
        (folder / f"{number}.eml").write_bytes(content)
    installation.ask(
        "import pathlib; from django.utils import timezone;"
        "from incoming_email import tasks; from incoming_email.pipeline import receiving;"
        "from incoming_email.inboxes.base import RawMessage;"
        f"files = sorted(pathlib.Path('{folder}').iterdir());"
        "rows = receiving.store(Mailbox.objects.get(name='imap'),"
        " [RawMessage(f.name, f.read_bytes()) for f in files], now=timezone.now(), claimed=False);"
        "[tasks.process_inbound_email.delay(inbound_email_id=row.pk) for row in rows]"
    )
    kill_in_mid_run(installation, *WORKER)
    queue = installation.folder / "broker/queue"
    with installation.running(*WORKER):
        wait_until(lambda: not any(queue.glob("*.msg")))
    finish(installation)  # what the dead ones held, which the sweep takes up
    assert_each_acted_once(installation)
