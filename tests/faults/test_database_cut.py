"""The database goes away and comes back under every process of the Procfile: mail flows again.

Twice all connections are ended, as by a failover or a firewall, and twice the server is stopped
for a while. Nothing is restarted, nothing is lost, nothing is done twice.
"""

import smtplib
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import Installation
from tests.servers.dovecot import free_ports
from tests.servers.postgresql import PostgresqlServer, running_server
from tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(600)]
RESUME_SECONDS = 30
AWAY_SECONDS = 10
START_SECONDS = 90
"""Five processes start at once on a machine that may do other things."""
BATCH = 4
"""Mails after each fault by each way: enough that every process of the worker gets some."""
DANA = "dana@letterbox.localhost"
SET_UP = """
from incoming_email import demo; from django.utils import timezone
address = demo.seed(now=timezone.now()).users[0].new_issue_address
key = Mailbox.objects.get().template.find_key(address)
Mailbox.objects.create(name='maildir', enabled=True, inbox_method='maildir',
                       address='in+%{{key}}@example.test', maildir_path='{maildir}')
print(address, 'in+' + key + '@example.test')
"""
ENDED = "SELECT count(*) FROM incoming_email_inboundemail WHERE status <> 'pending'"
MOST_ATTEMPTS = "SELECT max(attempts) FROM incoming_email_inboundemail"
TITLES = "SELECT string_agg(title, '|') FROM issues_issue WHERE title LIKE 'By %'"
OLDEST_SIGN = "SELECT extract(epoch FROM min(seen_at)) FROM incoming_email_heartbeat"


@dataclass
class World:
    """An installation whose mail comes by the SMTP listener and into a watched Maildir."""

    server: PostgresqlServer
    installation: Installation
    maildir: Path
    web: int
    listener: int
    addresses: tuple[str, str] = ("", "")
    titles: list[str] = field(default_factory=list)

    def set_up(self) -> None:
        for name in ("tmp", "new", "cur"):
            (self.maildir / name).mkdir(parents=True)
        self.installation.set_up()
        by_listener, by_maildir = self.installation.ask(SET_UP.format(maildir=self.maildir)).split()
        self.addresses = by_listener, by_maildir

    def lines(self) -> dict[str, str]:
        lines = read_procfile_lines()
        return lines | {"web": f"{lines['web']} --bind 127.0.0.1:{self.web}"}

    def write(self, way: str, to: str) -> str:
        """The next mail, noted as one that must become an issue."""
        title = f"By {way} {len(self.titles)}"
        self.titles.append(title)
        return f"From: {DANA}\r\nTo: {to}\r\nSubject: {title}\r\n\r\nHo.\r\n"

    def send(self) -> None:
        """By SMTP, once more after a 4xx, as a mail server does."""
        (to, _), mail = self.addresses, self.write("listener", self.addresses[0])
        deadline = time.monotonic() + RESUME_SECONDS
        while self.offer(to, mail) != 250:
            assert time.monotonic() < deadline, "the listener takes no mail"
            time.sleep(0.5)

    def offer(self, to: str, mail: str) -> int:
        """The answer of the listener; a refused connection is a fault."""
        with smtplib.SMTP("127.0.0.1", self.listener, timeout=20) as client:
            try:
                client.sendmail(DANA, [to], mail)
            except smtplib.SMTPRecipientsRefused as refusal:
                return refusal.recipients[to][0]
            except smtplib.SMTPResponseException as refusal:
                return refusal.smtp_code
        return 250

    def drop(self) -> None:
        """Into the Maildir, as a local delivery does."""
        name = f"{len(self.titles)}.M1P1.host"
        (self.maildir / "tmp" / name).write_text(self.write("maildir", self.addresses[1]))
        (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)

    def ask_web(self) -> int:
        """The status of a page for which a session is looked up in the database."""
        page = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/", headers={"Cookie": f"sessionid={'a' * 32}"}
        )
        try:
            with urllib.request.urlopen(page, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code

    def exchange(self) -> None:
        """Some mails by each way; all must be issues soon."""
        begun = time.monotonic()
        for _ in range(BATCH):
            self.send()
            self.drop()
        left = RESUME_SECONDS - (time.monotonic() - begun)
        wait_until(lambda: self.server.query(ENDED) == len(self.titles), left)


@pytest.fixture
def world(tmp_path):
    web, listener = free_ports(2)
    with running_server() as server:
        installation = Installation(
            tmp_path / "data", DATABASE_URL=server.url, SMTP_DOOR_PORT=str(listener)
        )
        made = World(server, installation, tmp_path / "Maildir", web, listener)
        made.set_up()
        yield made


def test_mail_flows_again_after_each_cut(world, tmp_path):
    with world.installation.running_lines(world.lines(), log=tmp_path / "log") as processes:
        wait_until(lambda: is_open(world.listener) and is_open(world.web), START_SECONDS)
        world.exchange()
        for _ in range(2):
            world.server.cut_connections()
            assert [world.ask_web(), world.ask_web()] == [200, 200]
            world.exchange()
        for mode in ("fast", "immediate"):
            world.server.stop(mode)
            stay_away(world)
            world.server.start()
            back = time.time()
            assert world.ask_web() == 200
            world.exchange()
        wait_until(lambda: world.server.query(OLDEST_SIGN) > back, 60)
        ended = {name: each.returncode for name, each in processes.items() if each.poll()}
        assert ended == {}
    assert Counter(world.server.query(TITLES).split("|")) == Counter(world.titles)
    assert world.server.query(MOST_ATTEMPTS) == 1


def stay_away(world):
    """The listener takes connections all the while, and says that mail can come later."""
    until = time.monotonic() + AWAY_SECONDS
    answers = set()
    while time.monotonic() < until:
        answers.add(world.offer(world.addresses[0], "Subject: later\r\n\r\n"))
        time.sleep(1)
    assert answers == {451}


def is_open(port):
    try:
        smtplib.socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
