"""A worker that is killed at a chosen instruction: run by test_outbox_crash as a process.

Usage: crash_steps.py STEP..., with the address of a database and of a mail server in the
environment.
"""

import datetime as dt
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from issues import outbox, sending, services  # noqa: E402
from issues.models import OutgoingEmail, OutgoingState  # noqa: E402
from issues.notifications import fan_out_owed, fanning_out  # noqa: E402
from tests.dying import die_after  # noqa: E402
from tests.factories import IssueFactory, NoteFactory  # noqa: E402

settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
settings.EMAIL_HOST = "127.0.0.1"
settings.EMAIL_PORT = int(os.environ["SINK_PORT"])


def prepare():
    """An issue on which three people have written, so that its note is told to four."""
    issue = IssueFactory()
    for _person in range(3):
        NoteFactory(issue=issue)
    services.create_note(item=issue, author=NoteFactory().author, body="Hello")


def die_before_the_commit_of_a_fan_out():
    fanning_out.outbox.enqueue_many = die_after(outbox.enqueue_many)
    fan_out_owed(now=timezone.now())


def fan_out():
    fan_out_owed(now=timezone.now())


def die_between_250_and_our_commit():
    sending.EmailBackend.send_messages = die_after(sending.EmailBackend.send_messages)
    outbox.deliver_due(now=timezone.now())


def deliver():
    outbox.deliver_due(now=timezone.now())


def deliver_an_hour_later():
    outbox.deliver_due(now=timezone.now() + dt.timedelta(hours=1))


def show():
    """One line a mail: state, attempts, recipient, Message-ID."""
    for row in OutgoingEmail.objects.order_by("pk"):
        words = (OutgoingState(row.state).value, row.attempts, row.recipient, row.message_id)
        sys.stdout.write(" ".join(map(str, words)) + "\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
