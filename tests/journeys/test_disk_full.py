"""A small disk that fills up, nearly and wholly, under real processes, and has space again."""

import json
import smtplib
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest

from tests.faults.world import DANA, Mail, SqliteFile, World
from tests.journeys.installation import Installation
from tests.servers.disks import filled, small_disk
from tests.servers.dovecot import free_ports, password_of
from tests.waiting import PROCESS_SECONDS, can_connect, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]
MEGABYTE = 1_000_000
LEAST = 60 * MEGABYTE
SIZE = "150m"
ROWS = "SELECT count(*) FROM incoming_email_inboundemail"
ERRORS = "SELECT group_concat(last_error, '|') FROM incoming_email_mailbox"
QUIET_LATER = (
    "from django.utils import timezone; from incoming_email.monitoring.alerting import short_disks;"
    "short_disks.notify_administrators(now=timezone.now() + short_disks.QUIET)"
)
ALERTS = "SELECT group_concat(kind, '|') FROM issues_outgoingemail WHERE kind LIKE 'disk%'"


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def make_world(tmp_path, stack):
    """An installation whose data, files and SQLite are on a small disk."""

    def make(**given):
        web, listener, lmtp = free_ports(3)
        disk = stack.enter_context(small_disk(tmp_path / "data", SIZE))
        ports = {"SMTP_LISTENER_PORT": str(listener), "LMTP_LISTENER_PORT": str(lmtp)}
        installation = Installation(disk, **ports, **given)
        server = SqliteFile(disk / "db.sqlite3")
        world = World(server, installation, tmp_path / "Maildir", web, listener)
        world.set_up()
        return world, lmtp

    return make


def run(world, stack, log, *names):
    lines = world.lines() | {"lmtp": "python manage.py serve_smtp --lmtp"}
    wanted = {name: lines[name] for name in names or lines}
    stack.enter_context(world.installation.running_lines(wanted, log=log))
    wait_until(lambda: can_connect(world.listener), PROCESS_SECONDS)


def add_dovecot_mailbox(world, dovecot, user):
    """The address whose mail Dovecot delivers to this user, and that makes issues."""
    name, _, domain = user.partition("@")
    return world.installation.ask(
        f"key = Mailbox.objects.get(name='maildir').template.find_key('{world.maildir_address}');"
        f"Mailbox.objects.create(name='imap', enabled=True, address='{name}+%{{key}}@{domain}',"
        f" host='localhost', port={dovecot.port}, user='{user}',"
        f" password='{password_of(user)}', ssl=False, start_tls=False, idle_timeout=5);"
        f"print('{name}+' + key + '@{domain}')"
    )


def ask_health(world):
    url = f"http://127.0.0.1:{world.web}/health/?only=disk"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, json.load(answer)["checks"]
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)["checks"]


def begin(port, kind=smtplib.SMTP):
    """The answer to MAIL FROM."""
    with kind("127.0.0.1", port, timeout=60) as client:
        client.ehlo()
        code, text = client.mail(DANA)
        return code, text[:5]


def test_nearly_full_mail_stays_where_it_is_and_comes_in_later(
    make_world, stack, tmp_path, dovecot
):
    world, lmtp = make_world(CHECK_DISK_MIN_BYTES=str(LEAST), CHECK_DISK_WARN_BYTES=str(LEAST))
    user = dovecot.take_user()
    address = add_dovecot_mailbox(world, dovecot, user)
    run(world, stack, tmp_path / "log")
    wait_until(lambda: can_connect(lmtp), PROCESS_SECONDS)
    wait_until(lambda: ask_health(world) == (200, {"disk": {"ok": True}}), PROCESS_SECONDS)
    world.exchange(PROCESS_SECONDS)
    before = world.server.query(ROWS)

    with filled(world.installation.folder, leave=LEAST // 2):
        assert begin(world.listener) == (452, b"4.3.1")
        assert begin(lmtp, smtplib.LMTP) == (452, b"4.3.1")
        dovecot.deliver(user, Mail("Mail by Dovecot").write(address).encode())
        world.drop(Mail("Mail by Maildir"))
        wait_until(
            lambda: world.server.query(ERRORS).count("MB are free on the disk of") == 2,
            PROCESS_SECONDS,
        )
        wait_until(lambda: ask_health(world) == (503, {"disk": {"ok": False}}))
        # Beat has it run each minute.
        wait_until(lambda: world.server.query(ALERTS) == "disk_nearly_full", PROCESS_SECONDS)
        world.installation.ask("from incoming_email import tasks; tasks.alert()")
        found = json.loads(
            world.installation.manage("check_incoming_email", "--json", check=False)
        )["findings"]
        (finding,) = [each for each in found if each["step"] == "disk space"]
        assert finding["answer"] == "no"
        assert "Until then no mail is taken in." in finding["remedy"]
        assert list(dovecot.messages(user).values()) == [frozenset()]
        assert len(list((world.maildir / "new").iterdir())) == 1
        assert (world.server.query(ROWS), world.server.query(ALERTS)) == (
            before,
            "disk_nearly_full",
        )

    world.accepted.add("Mail by Dovecot")
    world.exchange(PROCESS_SECONDS)
    wait_until(lambda: world.accepted <= set(world.find_titles()), PROCESS_SECONDS)
    assert set(world.find_titles().values()) == {1}
    wait_until(lambda: set(world.server.query(ERRORS).split("|")) == {""})
    wait_until(lambda: ask_health(world) == (200, {"disk": {"ok": True}}))
    world.installation.ask(QUIET_LATER)
    told = sorted(world.server.query(ALERTS).split("|"))
    assert told == ["disk_has_space", "disk_nearly_full"]


@pytest.mark.parametrize("kind", [smtplib.SMTP, smtplib.LMTP])
def test_wholly_full_nothing_is_taken_and_nothing_half_written_stays(
    make_world, stack, tmp_path, kind
):
    """Without a threshold, so that writes fail: at the end of the content, and whenever."""
    world, lmtp = make_world(CHECK_DISK_MIN_BYTES="0")
    port = lmtp if kind is smtplib.LMTP else world.listener
    run(world, stack, tmp_path / "log", "listener", "lmtp")
    wait_until(lambda: can_connect(port), PROCESS_SECONDS)
    disk = world.installation.folder
    content = Mail("Mail of a megabyte").write(world.issue_address) + ("x" * 70 + "\r\n") * 15_000

    def send():
        with kind("127.0.0.1", port, timeout=120) as client:
            client.ehlo()
            answers = [client.mail(DANA), client.rcpt(world.issue_address)]
            if answers[-1][0] == 250:
                answers.append(client.data(content))
        return [(code, text[:5]) for code, text in answers]

    with filled(disk, leave=500_000):
        assert send() == [(250, b"2.1.0"), (250, b"2.1.5"), (452, b"4.3.1")]
        with filled(disk, name="the rest"):
            assert send()[-1] == (452, b"4.3.1")
    assert world.server.query(ROWS) == 0

    assert send()[-1] == (250, b"2.0.0")
    assert world.server.query(ROWS) == 1
    assert world.server.query("PRAGMA integrity_check") == "ok"
