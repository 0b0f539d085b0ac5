"""A worker of the desk that is killed at a chosen step: run by test_crash as a process.

Usage: crash_steps.py STEP [WHERE], with the address of a database in the environment.
"""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.models import InboundEmail, Mailbox  # noqa: E402
from incoming_email.pipeline import acting, processing, receiving  # noqa: E402
from issues import outbox, services  # noqa: E402
from issues.models import Issue, Note, OutgoingEmail  # noqa: E402
from issues.notifications import fan_out_owed  # noqa: E402
from servicedesk import mails, threads, tickets  # noqa: E402
from servicedesk.models import Participant, ServiceDesk, ThreadMessage  # noqa: E402
from tests import dying  # noqa: E402
from tests.incoming_email.world import make_mail  # noqa: E402
from tests.servicedesk.world import CUSTOMER, PROVEN, make_desk  # noqa: E402

STEPS = {
    "issue": (services, "create_issue"),
    "participants": (tickets, "add_participants"),
    "thread": (threads, "record"),
    "thank-you": (mails, "write_thank_you"),
    "note": (services, "create_note"),
    "welcome": (mails, "write_to_new_participants"),
    "record": (acting, "write_ends"),
    "hold-back": (mails, "hold_back"),
    "rows": (outbox, "enqueue_many"),
}


def die_after(where):
    """That function runs, and then kill -9: nothing is cleaned up, nothing commits."""
    owner, name = STEPS[where]
    setattr(owner, name, dying.die_after(getattr(owner, name)))


def store(**fields):
    desk = ServiceDesk.objects.get()
    to = f"incoming+x-{desk.project_id}-issue-@letterbox.localhost"
    content = make_mail(to=to, sender=CUSTOMER, **PROVEN, **fields)
    message = RawMessage(fields["Message_ID"], content)
    receiving.store(Mailbox.objects.get(), [message], now=timezone.now(), claimed=False)


def prepare():
    make_desk(add_cc=True)
    store(Message_ID="<first@customer.example>", Cc="ann@customer.example", subject="Help")


def store_reply():
    store(
        Message_ID="<second@customer.example>",
        In_Reply_To="<first@customer.example>",
        body="And more",
    )


def process():
    """Also what a dead worker had claimed."""
    pending = InboundEmail.objects.filter(status="pending")
    pending.update(next_attempt_at=timezone.now())
    for pk in pending.values_list("pk", flat=True):
        processing.process(pk)


def fan_out():
    fan_out_owed(now=timezone.now())


def show():
    """How many there are of each."""
    kinds = sorted(OutgoingEmail.objects.values_list("kind", flat=True))
    models = (Issue, Note, Participant, ThreadMessage)
    counts = [str(model.objects.count()) for model in models]
    sys.stdout.write(" ".join([*counts, *kinds]) + "\n")


def show_held():
    sys.stdout.write(f"{OutgoingEmail.objects.held().count()}\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        die_after(sys.argv[2])
    globals()[sys.argv[1]]()
