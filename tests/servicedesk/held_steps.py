"""A web process that is killed while a member accepts held mail: run by test_held_on_ticket.

Usage: held_steps.py STEP..., with the address of a database in the environment.
"""

import datetime as dt
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.utils import timezone  # noqa: E402

from incoming_email import held_mail  # noqa: E402
from incoming_email.models import InboundEmail  # noqa: E402
from incoming_email.pipeline import acting, processing  # noqa: E402
from issues.models import Issue, Note, User  # noqa: E402
from servicedesk import joining, reviewing  # noqa: E402
from servicedesk.models import Participant  # noqa: E402
from tests.dying import die, die_after  # noqa: E402
from tests.servicedesk.world import make_desk  # noqa: E402


def prepare():
    """A ticket, and an answer from another address of the customer's."""
    desk = make_desk()
    desk.open_ticket(Message_ID="<first@customer.example>")
    desk.write("carl@home.example", In_Reply_To="<first@customer.example>", body="From home")


def accept():
    reviewing.accept(
        issue=Issue.objects.get(),
        actor=User.objects.exclude(username="support-bot").first(),
        message=InboundEmail.objects.latest("pk").pk,
        joins=True,
        now=timezone.now(),
    )


def process_later():
    later = timezone.now() + dt.timedelta(days=1)
    processing.process(InboundEmail.objects.latest("pk").pk, clock=lambda: later)


def die_before_the_commit():
    joining.add_people = die_after(joining.add_people)
    accept()


def die_after_the_commit():
    held_mail.processing.process_each = die
    accept()


def die_at_the_comment():
    acting.write_ends = die_after(acting.write_ends)
    accept()


def show():
    """What there is of everything, in one line."""
    row = InboundEmail.objects.latest("pk")
    notes = Note.objects.filter(system=False, internal=False).order_by("pk")
    words = [
        f"{row.status} {row.reason}",
        *Participant.objects.order_by("pk").values_list("address", flat=True),
        *notes.values_list("body", flat=True),
    ]
    sys.stdout.write("|".join(words) + "\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
