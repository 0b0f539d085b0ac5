"""What a large mail costs a process: run by test_memory, as memory that the C libraries take and
what is given back show in a process of its own alone.

Usage: memory_steps.py STEP [PORT USER PASSWORD], with the address of a database in the environment.
"""

import base64
import json
import os
import sys
import time
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.db import connection  # noqa: E402
from django.db.models.functions import Length  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.models import InboundEmail, Mailbox  # noqa: E402
from incoming_email.outcomes import Status  # noqa: E402
from incoming_email.pipeline import fetching, processing, receiving  # noqa: E402
from issues import memory  # noqa: E402
from tests.incoming_email.world import make_mail, make_world  # noqa: E402

ATTACHED = bytes(range(256)) * 100_000
FOLDER = Path(connection.settings_dict["NAME"]).parent / "mails"


def prepare():
    """A small mail and a large one, as files; the small one is for what a process keeps anyway."""
    world = make_world(inbox_method="imap")
    to, sender = world.issue_address(), world.member.email
    text = base64.encodebytes(ATTACHED).decode().replace("\n", "\r\n")
    part = "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    name = "Content-Disposition: attachment; filename=large.bin\r\n"
    body = f"--b\r\n{part}{name}\r\n{text}--b--"
    mime = {"MIME_Version": "1.0", "Content_Type": "multipart/mixed; boundary=b"}
    FOLDER.mkdir()
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


def measure(work):
    """Print bytes above those of before: the most, and what is left."""
    memory.give_back()
    before = read_status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    work()
    peak = read_status("VmHWM") - before
    left = read_status("VmRSS") - before
    done = InboundEmail.objects.filter(status=Status.PROCESSED).order_by("-pk")
    size = (FOLDER / "large").stat().st_size
    lengths = done.values_list(Length("content__raw"), flat=True)
    assert any(length > size / 2 for length in lengths), "not done"
    sys.stdout.write(json.dumps({"size": size, "peak": peak, "left": left}))


def read_status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    {each.__name__: each for each in (prepare, act, fetch)}[sys.argv[1]](*sys.argv[2:])
