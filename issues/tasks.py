"""Celery's entry points: announcements become mails, mails are sent, lost files removed."""

from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown
from django.conf import settings
from django.utils import timezone

from issues import broker, repositories, uploads
from issues.models import OutgoingEmail
from issues.notifications import fan_out_owed
from issues.outbox import deliver_due
from issues.services import keep_html as keep_html_of
from issues.services import sweep_repositories as sweep_all_repositories
from issues.stopping import Budget

EXPIRES_SECONDS = 60
"""A task that goes on with the work of another; by then the sweep does it."""


@worker_process_shutdown.connect
def hand_over_tasks(**_: Any) -> None:
    """A process of the worker ends without Python's own farewell."""
    broker.flush()


def _empty_outbox() -> None:
    budget = Budget.of_task()
    while True:
        now = timezone.now()
        try:  # what is written must go out as well
            written = fan_out_owed(now=now, budget=Budget.of(settings.TASK_BUDGET_SECONDS / 2))
        finally:  # a fault in one announcement keeps no ready mail waiting
            sent = deliver_due(now=now, budget=budget)
        if not written and not sent:
            return
        if budget.is_over():
            deliver_outgoing_email.apply_async(expires=EXPIRES_SECONDS)
            return


@shared_task(name="issues.deliver_outgoing_email")
def deliver_outgoing_email() -> None:
    """After a commit that caused mail."""
    _empty_outbox()


@shared_task(name="issues.sweep_outgoing_email")
def sweep_outgoing_email() -> None:
    """Scheduled: send what a lost message of the broker or a crash has left."""
    OutgoingEmail.objects.take_up_future(timezone.now())
    _empty_outbox()


@shared_task(name="issues.keep_html", ignore_result=True)
def keep_html(*, ids: dict[str, list[int]]) -> None:
    """Of texts that a page had to show without. If it is lost, the next page asks again."""
    keep_html_of(ids)


@shared_task(name="issues.remove_orphan_files")
def remove_orphan_files(*, after: int = 0) -> None:
    """Scheduled: remove files and repositories that a crash has left without a row. `after`: the
    project that the task before ended with."""
    now, budget = timezone.now(), Budget.of_task()
    for project in uploads.find_projects(after=after):
        uploads.remove_orphans(project, now=now)
        if budget.is_over():
            remove_orphan_files.apply_async(kwargs={"after": project}, expires=EXPIRES_SECONDS)
            return
    repositories.remove_orphans(now=now, budget=budget)


@shared_task(name="issues.sweep_repositories")
def sweep_repositories() -> None:
    """Scheduled: finish branch moves that a crash has left, and remove what nothing needs any
    more."""
    sweep_all_repositories(now=timezone.now(), budget=Budget.of_task())
