"""Celery's entry point of the desk."""

from celery import shared_task
from django.utils import timezone

from servicedesk.custom_email import give_up_awaited


@shared_task(name="servicedesk.give_up_verifications")
def give_up_verifications() -> None:
    """By the clock: addresses whose mail did not come back."""
    give_up_awaited(now=timezone.now())
