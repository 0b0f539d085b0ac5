"""A worker that is killed amid quick actions: run by test_quick_actions_crash as a process.

Usage: quick_action_steps.py STEP..., with the address of a database in the environment.
"""

import datetime as dt
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.models import InboundEmail  # noqa: E402
from incoming_email.pipeline import acting, notices, processing, receiving  # noqa: E402
from issues import services  # noqa: E402
from issues.models import Announcement, Issue, Note, OutgoingEmail  # noqa: E402
from tests.dying import die_after  # noqa: E402
from tests.incoming_email.world import make_mail, make_world  # noqa: E402


def prepare():
    """One mail with a text, two commands, and one that nobody understands."""
    world = make_world()
    body = "Fixed.\n/close\n/due tomorrow\n/colse"
    content = make_mail(to=world.reply_address(), sender=world.member.email, body=body)
    receiving.store(world.mailbox, [RawMessage("1:1", content)], now=timezone.now(), claimed=False)


def process():
    now = timezone.now()
    processing.process(InboundEmail.objects.get().pk, clock=lambda: now)


def process_later():
    now = timezone.now() + dt.timedelta(days=1)
    processing.process(InboundEmail.objects.get().pk, clock=lambda: now)


def die_between_two_commands():
    services.close_item = die_after(services.close_item)
    process()


def die_after_the_answer():
    notices.write_failed_commands = die_after(notices.write_failed_commands)
    process()


def die_before_the_commit():
    acting.write_ends = die_after(acting.write_ends)
    process()


def show():
    """What there is of everything, in one line."""
    issue = Issue.objects.get()
    kinds = OutgoingEmail.objects.values_list("kind", flat=True)
    words = [
        InboundEmail.objects.get().status,
        issue.state,
        "due" if issue.due_date else "-",
        *Note.objects.order_by("pk").values_list("body", flat=True),
        f"{Announcement.objects.count()} announcements",
        *kinds,
    ]
    sys.stdout.write("|".join(words).replace("\n", " ") + "\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
