"""Replies become notes within seconds while the workers of `make run` work off large backlogs."""

import shutil
import smtplib
import time
from email.utils import make_msgid
from functools import partial

import pytest

from tests.deploy.reading import read_procfile_lines
from tests.journeys.installation import NO_LIMITS, Installation
from tests.servers.dovecot import free_ports, password_of
from tests.waiting import can_connect, wait_until

pytestmark = [
    pytest.mark.services,
    pytest.mark.deep,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
]
BACKLOG = 3_000
"""Mails in each of two mailboxes."""

ROUNDS = 3
REPLY_SECONDS = 30.0
MANY = "1000000"
DANA = "dana@letterbox.localhost"
SET_UP = """
from incoming_email import demo; from django.utils import timezone
from incoming_email.keys import reply_keys
seeded = demo.seed(now=timezone.now())
smtp = seeded.mailbox
desk = smtp.template.find_key(seeded.desk_address)
dana = User.objects.get(username='dana')
route = reply_keys.reply_routes(recipients=[dana], item=Issue.objects.get(iid=1), discussion='')
reply = smtp.template.find_key(route[dana.pk].reply_to)
for user, password in ACCOUNTS:
    name, _, domain = user.partition('@')
    box = Mailbox.objects.create(name=name, enabled=True, address=f'{name}+%{{key}}@{domain}',
                                 host='127.0.0.1', port=PORT, user=user, password=password)
    print(box.template.address_for(desk), box.template.address_for(reply))
print(seeded.desk_address, route[dana.pk].reply_to)
"""
STORED = "SELECT count(*) FROM incoming_email_inboundemail WHERE subject LIKE 'Backlog %'"
BEGUN = (
    "SELECT count(DISTINCT mailbox_id) FROM incoming_email_inboundemail"
    " WHERE subject LIKE 'Backlog %'"
)
NOTE = "SELECT count(*) FROM issues_note WHERE body LIKE '{}%'"


@pytest.fixture
def installation(tmp_path):
    (port,) = free_ports(1)
    made = Installation(
        tmp_path / "data",
        SMTP_LISTENER_PORT=str(port),
        POLL_INTERVAL_SECONDS="5",
        **NO_LIMITS,
    )
    made.set_up()
    return made


def write(to, subject, text, *, sender=DANA):
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: {make_msgid()}"
    return f"{head}\r\n\r\n{text}\r\n".encode()


def fill(dovecot, user, address):
    """As a local delivery does: files in the Maildir, with LF line ends."""
    maildir = dovecot.folder / "mail" / user.partition("@")[0] / "Maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number in range(BACKLOG):
        sender = f"{user.partition('@')[0]}-{number}@example.com"
        mail = write(address, f"Backlog {number}", "It is broken. " * 20, sender=sender)
        path = maildir / "new" / f"{1_700_000_000 + number}.M{number}P1.test"
        path.write_bytes(mail.replace(b"\r\n", b"\n"))
    for path in (maildir.parent, *maildir.parent.rglob("*")):
        shutil.chown(path, "mail", "mail")


def test_replies_do_not_wait_behind_backlogs(installation, dovecot, tmp_path):
    users = [dovecot.take_user() for _ in range(3)]
    accounts = [(user, password_of(user)) for user in users]
    head = f"PORT, ACCOUNTS = {dovecot.port}, {accounts}\n"
    printed = [line.split() for line in installation.ask(head + SET_UP).splitlines()]
    for user, (desk, _reply) in zip(users[:2], printed[:2], strict=True):
        fill(dovecot, user, desk)
    lines = read_procfile_lines("Procfile.run")
    names = ("worker-1", "worker-2", "beat", "listener")
    port = int(installation.environment["SMTP_LISTENER_PORT"])
    with installation.running_lines({name: lines[name] for name in names}, log=tmp_path / "log"):
        wait_until(lambda: can_connect(port))
        wait_until(lambda: installation.query(BEGUN) == 2)
        waited: dict[str, float] = {}
        for number in range(ROUNDS):
            fetched, delivered = f"Fetched {number}.", f"Delivered {number}."
            dovecot.deliver(users[2], write(printed[2][1], "Re: it", fetched))
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                client.sendmail(DANA, [printed[3][1]], write(printed[3][1], "Re: it", delivered))
            began = time.monotonic()
            for text in (delivered, fetched):
                wait_until(partial(installation.query, NOTE.format(text)), 10 * REPLY_SECONDS)
                waited[text] = time.monotonic() - began
            assert installation.query(STORED) < 2 * BACKLOG, "the backlogs ended too soon"
        assert max(waited.values()) < REPLY_SECONDS, waited
