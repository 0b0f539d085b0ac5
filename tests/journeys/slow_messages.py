"""Messages that take SECONDS_A_MESSAGE each, for workers and watchers of the tests.

A worker has it by `--include tests.journeys.slow_messages`, and polls at its start. Run as a script
it is the watcher.
"""

import os
import time

import django

if __name__ == "__main__":
    django.setup()

from celery.signals import worker_ready
from django.core.management import call_command

from incoming_email.models import Mailbox
from incoming_email.pipeline import acting
from incoming_email.tasks import poll_mailbox

SECONDS = float(os.environ["SECONDS_A_MESSAGE"])
decide = acting.decide


def decide_slowly(attempt):
    time.sleep(SECONDS)
    return decide(attempt)


acting.decide = decide_slowly


@worker_ready.connect
def poll(**_):
    for mailbox in Mailbox.objects.fetched():
        poll_mailbox.delay(mailbox_id=mailbox.pk)


if __name__ == "__main__":
    call_command("watch_mailboxes")
