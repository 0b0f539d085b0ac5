"""Letterbox on PostgreSQL, and who uses it: a mail server, a local delivery, a reader of pages."""

import smtplib
import sqlite3
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import Installation
from tests.servers.postgresql import PostgresqlServer
from tests.waiting import can_connect, wait_until

DANA = "dana@letterbox.localhost"
AGAIN_SECONDS = 0.5
BATCH = 4
"""Mails after each fault by each way: enough that every process of the worker gets some."""

TITLES = "SELECT string_agg(title, '|') FROM issues_issue WHERE title LIKE 'Mail %'"
OLDEST_SIGN = "SELECT extract(epoch FROM min(seen_at)) FROM incoming_email_heartbeat"
SET_UP = """
from incoming_email import demo; from django.utils import timezone
address = demo.seed(now=timezone.now()).users[0].new_issue_address
key = Mailbox.objects.get().template.find_key(address)
Mailbox.objects.create(name='maildir', enabled=True, inbox_method='maildir',
                       address='in+%{{key}}@example.test', maildir_path='{maildir}')
print(address, 'in+' + key + '@example.test')
"""


@dataclass(frozen=True)
class Mail:
    """One that must become an issue of this title, once."""

    subject: str

    def write(self, to: str) -> str:
        fields = (f"From: {DANA}", f"To: {to}", f"Subject: {self.subject}")
        message_id = f"Message-ID: <{self.subject.replace(' ', '-')}@example.com>"
        return "\r\n".join([*fields, message_id, "", "It came by mail.", ""])


@dataclass(frozen=True)
class SqliteFile:
    """The database of an installation, asked as a server is."""

    path: Path

    def query(self, sql: str) -> Any:
        """The first value of the answer; read only."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return connection.execute(sql.replace("string_agg", "group_concat")).fetchone()[0]


@dataclass
class World:
    """An installation whose mail comes by the SMTP listener and into a watched Maildir."""

    server: PostgresqlServer | SqliteFile
    installation: Installation
    maildir: Path
    web: int
    listener: int
    issue_address: str = ""
    maildir_address: str = ""
    accepted: set[str] = field(default_factory=set)
    """Subjects of the mails that Letterbox has taken over."""

    def set_up(self) -> None:
        for name in ("tmp", "new", "cur"):
            (self.maildir / name).mkdir(parents=True)
        self.installation.set_up()
        addresses = self.installation.ask(SET_UP.format(maildir=self.maildir)).split()
        self.issue_address, self.maildir_address = addresses

    def lines(self) -> dict[str, str]:
        """The Procfile's, with the web pages at a port of their own."""
        lines = read_procfile_lines()
        return lines | {"web": f"{lines['web']} --bind 127.0.0.1:{self.web}"}

    def is_open(self) -> bool:
        """Do the listener and the web pages take connections?"""
        return can_connect(self.listener) and can_connect(self.web)

    def find_titles(self) -> Counter[str]:
        return Counter((self.server.query(TITLES) or "").split("|"))

    def find_oldest_sign(self) -> float:
        """When the process of which nothing was heard for longest was heard of; of the epoch."""
        return float(self.server.query(OLDEST_SIGN))

    def exchange(self, seconds: float) -> None:
        """Some mails by each way; all must be issues within that time."""
        deadline = time.monotonic() + seconds
        mails = [Mail(f"Mail {time.monotonic_ns()} calm") for _ in range(2 * BATCH)]
        for by_listener, by_maildir in zip(mails[::2], mails[1::2], strict=True):
            self.drop(by_maildir)
            self.send(by_listener, until=deadline)
        subjects = {mail.subject for mail in mails}
        wait_until(lambda: subjects <= set(self.find_titles()), deadline - time.monotonic())

    def send(self, mail: Mail, *, until: float) -> None:
        """As a mail server does: again and again while the answer is 4xx."""
        while (answer := self.offer(mail)) != 250:
            assert time.monotonic() < until, f"the listener still says {answer}"
            time.sleep(AGAIN_SECONDS)
        self.accepted.add(mail.subject)

    def offer(self, mail: Mail) -> int:
        """The listener's answer. A connection that is refused is a fault."""
        with smtplib.SMTP("127.0.0.1", self.listener, timeout=20) as client:
            try:
                client.sendmail(DANA, [self.issue_address], mail.write(self.issue_address))
            except smtplib.SMTPRecipientsRefused as refusal:
                return refusal.recipients[self.issue_address][0]
            except smtplib.SMTPResponseException as refusal:
                return refusal.smtp_code
        return 250

    def drop(self, mail: Mail) -> None:
        """As a local delivery does: whole before it is seen."""
        name = f"{time.time_ns()}.M1P1.host"
        (self.maildir / "tmp" / name).write_text(mail.write(self.maildir_address))
        (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)
        self.accepted.add(mail.subject)

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
