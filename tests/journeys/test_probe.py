"""Letterbox mails itself: Postfix takes the probe, Dovecot keeps it, the watcher fetches it."""

import json

import pytest

from tests.journeys.installation import BEAT, WORKER, Installation
from tests.servers.dovecot import Dovecot, free_ports, password_of
from tests.servers.postfix import Postfix
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow]

SETTINGS = """\
virtual_mailbox_domains = {domain}
virtual_mailbox_maps =
virtual_transport = lmtp:inet:127.0.0.1:{port}
recipient_delimiter = +
"""


def make_mailbox(letterbox: Installation, dovecot: Dovecot, user: str) -> None:
    name, _, domain = user.partition("@")
    letterbox.ask(
        "Mailbox.objects.update(enabled=False);"
        f" Mailbox.objects.create(name='imap', enabled=True, address='{name}+%{{key}}@{domain}',"
        f" host='localhost', port={dovecot.port}, user='{user}',"
        f" password='{password_of(user)}', probe_minutes=60)"
    )


def test_a_probe_comes_round_by_command_and_by_the_clock(tmp_path, dovecot, imap_user):
    domain = imap_user.rpartition("@")[2]
    with Postfix(SETTINGS.format(domain=domain, port=dovecot.lmtp_port)) as postfix:
        letterbox = Installation(
            tmp_path,
            EMAIL_URL=f"smtp://127.0.0.1:{postfix.port}",
            DEFAULT_FROM_EMAIL="letterbox@example.com",
            PROBE_MINUTES="0",
        )
        letterbox.set_up()
        make_mailbox(letterbox, dovecot, imap_user)
        notes = letterbox.query("SELECT count(*) FROM issues_note")
        with (
            letterbox.running(*WORKER),
            letterbox.running(*BEAT),
            letterbox.running("manage.py", "watch_mailboxes"),
        ):
            out = letterbox.manage(
                "check_incoming_email", "--round-trip", "--json", "--wait", "100", check=False
            )
            trips = [f for f in json.loads(out)["findings"] if f["step"] == "round trip"]
            assert [(trip["mailbox"], trip["answer"]) for trip in trips] == [("imap", "yes")], out
            assert trips[0]["detail"].startswith("it was back after ")

            done = "SELECT count(*) FROM incoming_email_probe WHERE is_scheduled AND state='done'"
            wait_until(lambda: letterbox.query(done), seconds=120)
    assert letterbox.query("SELECT count(*) FROM issues_note") == notes
    assert (
        letterbox.query("SELECT group_concat(DISTINCT reason) FROM incoming_email_inboundemail")
        == "probe"
    )
    assert letterbox.query("SELECT count(*) FROM issues_outgoingemail WHERE kind='probe'") == 2


def check(letterbox: Installation, *words: str) -> dict[str, dict[str, str]]:
    out = letterbox.manage("check_incoming_email", "--json", *words, check=False)
    return {finding["step"]: finding for finding in json.loads(out)["findings"]}


def test_the_check_says_which_process_is_down(tmp_path):
    """Nothing runs: no worker, no beat, no watcher, no broker; and mail waits where it is."""
    smtp, broker = free_ports(2)
    letterbox = Installation(
        tmp_path,
        EMAIL_URL=f"smtp://127.0.0.1:{smtp}",
        CELERY_BROKER_URL=f"redis://127.0.0.1:{broker}/0",
    )
    letterbox.set_up()
    letterbox.ask(
        "Mailbox.objects.update(enabled=False);"
        " Mailbox.objects.create(name='imap', enabled=True, address='a+%{key}@example.com',"
        f" host='127.0.0.1', port={broker}, user='a', password='b')"
    )
    found = check(letterbox, "--round-trip", "--wait", "0")
    for process in ("worker", "beat"):
        assert found[process]["answer"] == "no"
        assert found[process]["detail"] == "it was never seen alive"
        assert found[process]["remedy"].startswith(f"Start it: celery -A config {process}.")
    assert found["watcher"]["answer"] == "warn"
    assert found["watcher"]["remedy"].startswith("Start it: python manage.py watch_mailboxes.")
    assert found["broker"]["answer"] == "no"
    assert "refused" in found["broker"]["detail"]
    assert found["broker"]["remedy"].startswith("Start the broker, or correct CELERY_BROKER_URL.")
    assert found["outgoing mail"]["answer"] == "no"
    assert found["round trip"]["answer"] == "no"
    assert "the mail is still waiting to be sent" in found["round trip"]["detail"]
    assert found["round trip"]["remedy"].startswith("Start worker and beat")
