"""A worker that is killed while a member lets somebody into a ticket: run by test_joining_crash.

Usage: joining_steps.py STEP..., with the address of a database in the environment.
"""

import datetime as dt
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.keys import reply_keys  # noqa: E402
from incoming_email.models import InboundEmail  # noqa: E402
from incoming_email.pipeline import acting, processing, receiving  # noqa: E402
from issues.models import Issue, Note, OutgoingEmail  # noqa: E402
from servicedesk import joining, mails  # noqa: E402
from servicedesk.models import Participant  # noqa: E402
from tests.dying import die_after  # noqa: E402
from tests.incoming_email.world import make_mail  # noqa: E402
from tests.servicedesk.world import make_desk  # noqa: E402


def prepare():
    """A ticket, and a mail of a member that lets one more into it."""
    desk = make_desk()
    issue = desk.open_ticket()
    routes = reply_keys.reply_routes(recipients=[desk.agent], item=issue, discussion="")
    to = routes[desk.agent.pk].reply_to
    content = make_mail(to=to, sender=desk.agent.email, body="Ann knows.\n/add_email ann@x.example")
    receiving.store(desk.mailbox, [RawMessage("1:1", content)], now=timezone.now(), claimed=False)


def process():
    now = timezone.now()
    processing.process(InboundEmail.objects.latest("pk").pk, clock=lambda: now)


def process_later():
    now = timezone.now() + dt.timedelta(days=1)
    processing.process(InboundEmail.objects.latest("pk").pk, clock=lambda: now)


def die_before_the_welcome():
    joining.record_change = die_after(joining.record_change)
    process()


def die_after_the_welcome():
    mails.write_to_new_participants = die_after(mails.write_to_new_participants)
    process()


def die_before_the_commit():
    acting.write_ends = die_after(acting.write_ends)
    process()


def show():
    """What there is of everything, in one line."""
    words = [
        f"{Issue.objects.count()} issue",
        *Participant.objects.order_by("pk").values_list("address", flat=True),
        *Note.objects.order_by("pk").values_list("body", flat=True),
        *OutgoingEmail.objects.order_by("pk").values_list("kind", flat=True),
    ]
    sys.stdout.write("|".join(words) + "\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
