"""A process that is killed while it verifies a custom address: run by test_custom_email_crash.

Usage: verification_crash.py STEP..., with the address of a database and of a mail server in the
environment.
"""

import datetime as dt
import os
import sys
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.models import InboundEmail, Mailbox  # noqa: E402
from incoming_email.pipeline import processing  # noqa: E402
from issues import outbox  # noqa: E402
from issues.models import Membership, OutgoingEmail, Role  # noqa: E402
from issues.outbox import failing  # noqa: E402
from servicedesk import custom_email  # noqa: E402
from servicedesk.custom_email import verifying  # noqa: E402
from servicedesk.handlers import verification  # noqa: E402
from servicedesk.models import CustomEmail  # noqa: E402
from tests.dying import die, die_after  # noqa: E402
from tests.factories import MembershipFactory  # noqa: E402
from tests.servicedesk import customer_server, world  # noqa: E402

settings.DESK_SMTP_LOCAL_NETWORKS = True


def prepare():
    desk = world.make_desk()
    MembershipFactory(project=desk.project, role=Role.OWNER)
    customer_server.custom_email(
        desk.settings,
        int(os.environ["SINK_PORT"]),
        state="not_started",
        enabled=False,
        verified_at=None,
    )


def start():
    custom = CustomEmail.objects.select_related("desk__project").get()
    owner = Membership.objects.get(role=Role.OWNER).user
    custom_email.start_verification(custom, actor=owner, now=timezone.now())


def die_before_the_mail():
    verifying._send = die
    start()


def die_between_the_mail_and_its_record():
    verifying._send = die_after(verifying._send)
    start()


def come_back():
    """The mail, read from the file that the test names, as the forwarding hands it on."""
    custom = CustomEmail.objects.select_related("desk__project").get()
    desk = world.Desk(Mailbox.objects.get(), custom.desk, None)
    desk.receive(Path(os.environ["MAIL"]).read_bytes(), recipient=desk.address)


def ours_comes_back():
    custom = CustomEmail.objects.select_related("desk__project").get()
    desk = world.Desk(Mailbox.objects.get(), custom.desk, None)
    desk.receive(customer_server.forwarded_challenge(), recipient=desk.address)


def die_before_the_end_commits():
    verification.take_back = die_after(verification.take_back)
    come_back()


def process_again():
    later = timezone.now() + dt.timedelta(minutes=10)
    for row in InboundEmail.objects.all():
        processing.process(row.pk, clock=lambda: later)


def give_up():
    custom_email.give_up_awaited(now=timezone.now() + dt.timedelta(minutes=31))


def fail():
    """A mail waits, and its server has been away for an hour."""
    CustomEmail.objects.update(failing_since=timezone.now() - dt.timedelta(hours=1))
    custom = CustomEmail.objects.get()
    outbox.enqueue_many(
        [
            outbox.NewMail(
                kind="desk_note",
                effect_key="waits",
                recipient="carl@customer.example",
                subject="Waits",
                text="x",
                envelope_sender="",
                message_id="waits@letterbox.localhost",
                account=f"custom-email-{custom.pk}",
            )
        ],
        now=timezone.now(),
    )
    fault = failing.Fault("ConnectionRefusedError", is_refused=False)
    failing.record_fault(f"custom-email-{custom.pk}", fault, now=timezone.now())


def watch():
    custom_email.watch_servers(now=timezone.now())


def die_before_the_alert_commits():
    outbox.enqueue_many = die_after(outbox.enqueue_many)
    watch()


def show():
    """The state, then a line for each mail that tells of it."""
    custom = CustomEmail.objects.get()
    sys.stdout.write(f"{custom.state} {custom.fault}\n")
    for row in OutgoingEmail.objects.exclude(kind="custom_email_challenge").order_by("pk"):
        sys.stdout.write(f"{row.subject}\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
