"""Celery's entry points of the desk."""

from celery import shared_task
from django.utils import timezone

from servicedesk.custom_email import give_up_awaited, watch_servers
from servicedesk.limiting import plan_anew
from servicedesk.spam import delete_old_spam


@shared_task(name="servicedesk.give_up_verifications")
def give_up_verifications() -> None:
    """Scheduled: fail verifications whose mail did not come back."""
    give_up_awaited(now=timezone.now())


@shared_task(name="servicedesk.delete_spam")
def delete_spam() -> None:
    """Scheduled: delete tickets that were marked as spam long ago."""
    delete_old_spam(now=timezone.now())


@shared_task(name="servicedesk.plan_held_mail")
def plan_held_mail() -> None:
    """Scheduled: reschedule held mail after a change of the limits."""
    plan_anew(now=timezone.now())


@shared_task(name="servicedesk.watch_mail_servers")
def watch_mail_servers() -> None:
    """Scheduled: watch mail servers of projects that reject mail, or work again."""
    watch_servers(now=timezone.now())
