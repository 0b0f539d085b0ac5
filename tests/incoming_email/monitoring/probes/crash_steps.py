"""A process that is killed round a probe: run by test_crash.

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
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.models import Probe  # noqa: E402
from incoming_email.monitoring import probes  # noqa: E402
from incoming_email.monitoring.alerting import alerts, failing_probes  # noqa: E402
from incoming_email.monitoring.probes import sending  # noqa: E402
from issues import outbox  # noqa: E402
from issues.models import OutgoingEmail  # noqa: E402
from tests.dying import die, die_after  # noqa: E402
from tests.factories import UserFactory  # noqa: E402
from tests.incoming_email.factories import MailboxFactory  # noqa: E402

settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(os.environ["SINK_PORT"])
settings.PROBE_MINUTES = 60


def prepare():
    MailboxFactory()
    UserFactory(is_superuser=True)


def probe():
    probes.send_due(now=timezone.now())


def die_before_the_mail_is_written():
    sending.outbox.enqueue = die
    probe()


def die_before_the_commit():
    connection.ensure_connection()
    connection.run_on_commit = []
    connection.commit = die
    connection._commit = die
    probe()


def die_after_the_commit():
    sending._send_by_the_clock = die_after(sending._send_by_the_clock)
    probe()


def deliver():
    outbox.deliver_due(now=timezone.now())


def tell():
    later = timezone.now() + dt.timedelta(hours=2)
    probes.follow_open(now=later)
    failing_probes.notify_administrators(now=later)


def die_while_telling():
    alerts.outbox.enqueue_many = die_after(alerts.outbox.enqueue_many)
    tell()


def show():
    mails = OutgoingEmail.objects.filter(kind="probe").count()
    sys.stdout.write(f"{Probe.objects.count()} probes {mails} mails\n")


def show_alerts():
    sys.stdout.write(f"{OutgoingEmail.objects.filter(kind='probe_failing').count()} alerts\n")


if __name__ == "__main__":
    for step in sys.argv[1:]:
        globals()[step]()
