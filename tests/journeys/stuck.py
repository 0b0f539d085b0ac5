"""The process that is named, whose main loop meets a lock that nobody releases."""

import sys
import threading

import django

django.setup()

from celery.signals import worker_ready  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django_celery_beat.schedulers import DatabaseScheduler  # noqa: E402

from config.celery import app  # noqa: E402
from incoming_email.pipeline import watching  # noqa: E402
from incoming_email.smtp import listener  # noqa: E402


def meet_a_lock(*_args, **_kwargs):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def run_watcher():
    watching._find_accounts = meet_a_lock
    call_command("watch_mailboxes")


def run_listener():
    start = listener.start_listener

    def start_and_block(*args, **kwargs):
        controller = start(*args, **kwargs)
        controller.loop.call_soon_threadsafe(meet_a_lock)
        return controller

    listener.start_listener = start_and_block
    call_command("serve_smtp")


def run_beat():
    DatabaseScheduler.tick = meet_a_lock
    app.start(["--quiet", "beat", "--pidfile="])


def run_worker():
    worker_ready.connect(lambda sender, **_: sender.hub.call_later(0.1, meet_a_lock), weak=False)
    app.start(["--quiet", "worker", "--without-gossip", "--without-mingle"])


if __name__ == "__main__":
    globals()[f"run_{sys.argv[1]}"]()
