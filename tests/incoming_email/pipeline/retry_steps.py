"""A worker that is killed while it goes through what failed: run by test_retry_crash as a process.

Usage: retry_steps.py STEP..., with the address of a database in the environment.
"""

import datetime as dt
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.utils import timezone  # noqa: E402

from incoming_email import tasks  # noqa: E402
from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.models import InboundEmail  # noqa: E402
from incoming_email.outcomes import Status  # noqa: E402
from incoming_email.pipeline import acting, processing, receiving, reviewing  # noqa: E402
from issues.models import Note  # noqa: E402
from tests.dying import die  # noqa: E402
from tests.incoming_email.world import make_mail, make_world  # noqa: E402


def prepare():
    """Four replies that an earlier version gave up."""
    world = make_world()
    mails = [make_mail(to=world.reply_address(), sender=world.member.email) for _ in range(4)]
    messages = [RawMessage(f"1:{n}", mail) for n, mail in enumerate(mails)]
    now = timezone.now()
    receiving.store(world.mailbox, messages, now=now, claimed=False)
    InboundEmail.objects.update(status=Status.FAILED, finished_at=now, version="0.0.9")


def die_between_two_batches():
    """The first is back and done, of the second nothing is committed."""
    requeue = reviewing.requeue
    done = []

    def requeue_once(ids, *, now):
        if done:
            die()
        done.append(ids)
        return requeue(ids, now=now)

    reviewing.requeue = requeue_once
    reviewing.BATCH = 2
    tasks.retry_failed()


def die_before_the_first_is_processed():
    processing.process_claimed = lambda *_args, **_more: die()
    tasks.retry_failed()


def die_amid_the_second():
    write_ends, written = acting.write_ends, []

    def die_at_the_second(ends, **more):
        write_ends(ends, **more)
        written.extend(ends)
        if len(written) == 2:
            die()

    acting.write_ends = die_at_the_second
    tasks.retry_failed()


def go_on():
    """The sweep of a day later, and the button pressed once more."""
    later = timezone.now() + dt.timedelta(days=1)
    for pk in processing.due_ids(now=later):
        processing.process(pk, clock=lambda: later)
    tasks.retry_failed()


def show():
    statuses = InboundEmail.objects.order_by("pk").values_list("status", flat=True)
    sys.stdout.write(f"{' '.join(statuses)} {Note.objects.count()} notes\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
