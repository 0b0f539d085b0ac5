"""Worker and beat for real, on the embedded broker: a mail in Dovecot becomes a note by itself."""

import pytest

from tests.journeys.installation import BEAT, WATCHER_BY_IDLE, WORKER, Installation
from tests.journeys.test_crash_and_restart import DONE, NOTES, mails, make_mailbox
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path, POLL_INTERVAL_SECONDS="2")
    made.set_up()
    return made


def test_beat_polls_and_the_worker_acts_and_tells_people(installation, dovecot, imap_user):
    address = make_mailbox(installation, dovecot, imap_user)
    with installation.running(*WORKER), installation.running(*BEAT):
        dovecot.deliver(imap_user, next(mails(address)))
        wait_until(lambda: installation.query(NOTES) == 1)
        told = (
            "SELECT count(*) FROM issues_outgoingemail WHERE state = 'sent'"
            " AND recipient = 'rita@letterbox.localhost' AND text LIKE '%Answer 0.%'"
        )
        wait_until(lambda: installation.query(told) == 1)
        beats = "SELECT count(*) FROM incoming_email_heartbeat WHERE name IN ('beat', 'worker')"
        wait_until(lambda: installation.query(beats) == 2)
    assert any((installation.folder / "outgoing").iterdir())


def test_the_watcher_takes_mail_in_as_it_comes(installation, dovecot, imap_user):
    address = make_mailbox(installation, dovecot, imap_user)
    installation.ask("Mailbox.objects.update(idle_timeout=1500)")
    first, second = [mail for mail, _ in zip(mails(address), range(2), strict=False)]
    dovecot.deliver(imap_user, first)
    with installation.running(*WATCHER_BY_IDLE):
        wait_until(lambda: installation.query(DONE) == 1)
        wait_until(lambda: dovecot.is_idling(imap_user))
        dovecot.deliver(imap_user, second)
        wait_until(lambda: installation.query(DONE) == 2)


def test_an_edit_is_in_force_without_a_restart(installation, dovecot, imap_user):
    make_mailbox(installation, dovecot, imap_user)
    held = "SELECT count(*) FROM incoming_email_mailbox WHERE lease_holder <> ''"
    with installation.running("manage.py", "watch_mailboxes"):
        wait_until(lambda: installation.query(held) == 1)
        installation.ask("Mailbox.objects.filter(name='imap').update(enabled=False)")
        wait_until(lambda: installation.query(held) == 0)
