"""Celery's entry points. Each task makes one call."""

import os
import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.utils import timezone

from incoming_email.inboxes.base import InboxError
from incoming_email.models import Mailbox, ledger_search
from incoming_email.monitoring import figures, probes
from incoming_email.monitoring.alerting import (
    failing_mailboxes,
    failing_probes,
    failing_sending,
    held_digest,
    incomplete_series,
    short_disks,
    webhook,
)
from incoming_email.pipeline import fetching, processing, reviewing
from incoming_email.pipeline.isolation import reading
from incoming_email.upkeep import purging, sharing
from incoming_email.versions import find_version
from issues.stopping import Budget

EXPIRES_SECONDS = 60
"""After this a task of beat is stale: beat has queued the next one."""


@worker_process_shutdown.connect
def end_parsers(**_: Any) -> None:
    """A process of the worker is replaced after some tasks; its parser would die, but unburied."""
    reading.end_parsers()


@shared_task(name="incoming_email.process", ignore_result=True)
def process_inbound_email(*, inbound_email_id: int) -> None:
    processing.process_in_turn(inbound_email_id)


@shared_task(name="incoming_email.sweep", ignore_result=True)
def sweep_inbound_email() -> None:
    """Start what is due: retries, and rows whose first task was lost. The next one goes on."""
    now = timezone.now()
    processing.give_up_exhausted(now=now)
    processing.take_up_future(now=now)
    processing.process_each(processing.due_ids(now=now), budget=Budget.of_task())


@shared_task(name="incoming_email.poll_mailboxes", ignore_result=True)
def poll_mailboxes() -> None:
    for pk in Mailbox.objects.to_poll(timezone.now()).values_list("pk", flat=True):
        poll_mailbox.apply_async(kwargs={"mailbox_id": pk}, expires=EXPIRES_SECONDS)


@shared_task(name="incoming_email.poll_mailbox", ignore_result=True, throws=(InboxError,))
def poll_mailbox(*, mailbox_id: int) -> None:
    """Fetches nothing while a watcher or another worker reads the mailbox. First comes what an
    earlier poll has stored and had no time for."""
    mailbox = Mailbox.objects.get(pk=mailbox_id)
    holder = f"poll {socket.gethostname()} {os.getpid()}"
    if _work_off(mailbox, partial(fetching.fetch, mailbox, holder=holder)):
        fetching.postpone_poll(mailbox, seconds=EXPIRES_SECONDS, now=timezone.now())
        poll_mailbox.apply_async(kwargs={"mailbox_id": mailbox_id}, expires=EXPIRES_SECONDS)


def _work_off(mailbox: Mailbox, fetch: Callable[..., int | None]) -> bool:
    """Process what the task before has stored and had no time for, then what is fetched; whether
    another task has to go on."""
    budget = Budget.of_task()
    left = processing.due_ids(now=timezone.now(), mailbox=mailbox)
    new = processing.process_each(left, budget=budget)
    if not budget.is_over():
        new += fetch(budget=budget) or 0
    return new > 0 and budget.is_over()


@shared_task(name="incoming_email.alert", ignore_result=True)
def alert() -> None:
    """Notify administrators, and the webhook if there is one, about disks, mailboxes and outgoing
    mail. While a disk is nearly full it is why each mailbox stands still."""
    if not short_disks.notify_administrators(now=timezone.now()):
        failing_mailboxes.notify_administrators(now=timezone.now())
        failing_probes.notify_administrators(now=timezone.now())
    failing_sending.notify_administrators(now=timezone.now())
    webhook.post_owed()


@shared_task(name="incoming_email.probe", ignore_result=True)
def probe() -> None:
    """Follow the probes that are under way, and write those that are due."""
    probes.follow_open(now=timezone.now())
    probes.send_due(now=timezone.now())


@shared_task(name="incoming_email.tell_of_held_mail", ignore_result=True)
def notify_about_held_mail() -> None:
    held_digest.write_digests(now=timezone.now())


@shared_task(name="incoming_email.backfill_mailbox", ignore_result=True, throws=(InboxError,))
def backfill_mailbox(*, mailbox_id: int, since: str, goes_on: bool = False) -> None:
    """`since`: ISO 8601 with a zone. What a kill leaves out is filled in by asking again."""
    mailbox = Mailbox.objects.get(pk=mailbox_id)
    begins = datetime.fromisoformat(since)
    if _work_off(mailbox, partial(fetching.backfill, mailbox, since=begins, goes_on=goes_on)):
        backfill_mailbox.delay(mailbox_id=mailbox_id, since=since, goes_on=True)


@shared_task(name="incoming_email.retry_failed", ignore_result=True)
def retry_failed() -> None:
    """Process again what an earlier version failed at. A worker that still runs that version does
    nothing.

    What is left of a batch when the time is over is due, so the sweep goes on with it.
    """
    budget = Budget.of_task()
    for batch in reviewing.requeue_failed(version=find_version(), now=timezone.now()):
        processing.process_each(batch, budget=budget)
        if budget.is_over():
            retry_failed.delay()
            return


@shared_task(name="incoming_email.purge", ignore_result=True)
def purge() -> None:
    """Discard spam and remove what has been kept long enough, and move what an earlier version
    stored elsewhere. What is left when the time is over is found by the task that goes on."""
    budget = Budget.of_task()
    count = purging.discard_spam(now=timezone.now(), budget=budget)
    removed = list(purging.purge(purging.Wanted(), now=timezone.now(), budget=budget))
    count += probes.purge_old(now=timezone.now(), budget=budget)
    count += sharing.share_contents(budget=budget)
    purging.purge_refusals(now=timezone.now())
    if budget.is_over() and count + sum(each.count for each in removed):
        purge.apply_async(expires=EXPIRES_SECONDS)


@shared_task(name="incoming_email.finish_waiting_series", ignore_result=True)
def finish_waiting_series() -> None:
    incomplete_series.finish_waiting_series(now=timezone.now(), budget=Budget.of_task())


@shared_task(name="incoming_email.sum_and_index", ignore_result=True)
def sum_and_index() -> None:
    """Sum the hours of the ledger that have changed, and bring its search up to date. The next one
    goes on."""
    budget = Budget.of_task()
    figures.sum_changed_hours(budget=budget)
    if not budget.is_over():
        ledger_search.enter_noted(budget=budget)


@shared_task(name="incoming_email.heartbeat", ignore_result=True)
def heartbeat() -> None:
    """Does nothing: that a worker takes it from its queue is the heartbeat, which it records at
    each task."""
