"""What a large mail costs a process: run by test_memory, as memory that the C libraries take and
what is given back show in a process of its own alone.

Usage: memory_steps.py STEP [PORT USER PASSWORD], with the address of a database, and of a folder
for the mails, in the environment (DATABASE_URL, MAILS).
"""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.db.models.functions import Length  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.models import InboundEmail, Mailbox  # noqa: E402
from incoming_email.outcomes import Status  # noqa: E402
from incoming_email.pipeline import fetching, processing, receiving  # noqa: E402
from incoming_email.smtp.listener import start_listener  # noqa: E402
from issues import memory  # noqa: E402
from tests.incoming_email.world import make_mail, make_world  # noqa: E402
from tests.servers.dovecot import free_ports  # noqa: E402

ATTACHED = bytes(range(256)) * 100_000
FOLDER = Path(os.environ["MAILS"])
CLIENT = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as client, open(sys.argv[3], "rb") as mail:
    client.sendmail("sender@example.com", [sys.argv[2]], mail.read())
"""


def prepare():
    """A small mail and a large one, as files; the small one is for what a process keeps anyway."""
    world = make_world(inbox_method="imap")
    to, sender = world.issue_address(), world.member.email
    text = base64.encodebytes(ATTACHED).decode().replace("\n", "\r\n")
    part = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    name = "Content-Disposition: attachment; filename=large.bin\r\n"
    body = f"--b\r\n{part}{name}\r\n{text}--b--"
    mime = {"MIME_Version": "1.0", "Content_Type": "multipart/mixed; boundary=b"}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "small").write_bytes(make_mail(to=to, sender=sender))
    (FOLDER / "large").write_bytes(make_mail(to=to, sender=sender, body=body, **mime))


def act():
    """As a worker: the row is there."""

    def store(name):
        content = (FOLDER / name).read_bytes()
        message = RawMessage(name, content)
        now = timezone.now()
        (row,) = receiving.store(Mailbox.objects.get(), [message], now=now, claimed=False)
        return row.pk

    large = store("large")
    for name in ("first", "second"):
        (FOLDER / name).write_bytes((FOLDER / "small").read_bytes().replace(b"ID: <", b"ID: <x"))
        processing.process(store(name))
    measure(lambda: processing.process(large))


def fetch(port, user, password):
    """As the watcher, over one connection: the mailbox has small mails at first."""
    import imapclient  # noqa: PLC0415

    Mailbox.objects.update(
        host="127.0.0.1", port=int(port), user=user, password=password, position=""
    )
    mailbox = Mailbox.objects.get()

    def append(name):
        with imapclient.IMAPClient("127.0.0.1", int(port), ssl=False) as client:
            client.login(user, password)
            client.append("INBOX", (FOLDER / name).read_bytes())

    with fetching.visit(mailbox, holder="test") as inbox:

        def ingest():
            while not fetching.ingest(mailbox, inbox, holder="test", clock=timezone.now):
                time.sleep(0.05)  # the server tells of it in its own time
            memory.give_back()

        for _ in range(2):
            append("small")
            ingest()
        append("large")
        measure(ingest)


def listen():
    """As the SMTP listener: the client, which has the mail in memory too, is another process."""
    Mailbox.objects.update(inbox_method="smtp")
    (port,) = free_ports(1)
    listener = start_listener("127.0.0.1", port)
    try:
        for _ in range(2):
            deliver("small", port)
        measure(lambda: deliver("large", port), done=Status.PENDING)
    finally:
        listener.stop()


def deliver(name, port):
    content = FOLDER / name
    to = content.read_bytes()[:10_000].partition(b"\r\nTo: ")[2].partition(b"\r\n")[0].decode()
    subprocess.run([sys.executable, "-c", CLIENT, str(port), to, str(content)], check=True)


def measure(work, done=Status.PROCESSED):
    """Print bytes above those of before: the most, and what is left."""
    memory.give_back()
    before = read_status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    work()
    peak = read_status("VmHWM") - before
    left = read_status("VmRSS") - before
    rows = InboundEmail.objects.filter(status=done).order_by("-pk")
    size = (FOLDER / "large").stat().st_size
    lengths = rows.values_list(Length("content__raw"), flat=True)
    assert any(length > size / 2 for length in lengths), "not done"
    sys.stdout.write(json.dumps({"size": size, "peak": peak, "left": left}))


def read_status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    {each.__name__: each for each in (prepare, act, fetch, listen)}[sys.argv[1]](*sys.argv[2:])
