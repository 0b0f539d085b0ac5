"""Posts alerts to the webhook: outside of transactions, at least once, until it answers 2xx."""

import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.https import HttpsClient
from incoming_email.models import AlertEvent, WebhookAlert
from incoming_email.monitoring.alerting.administrators import address_of_page
from incoming_email.monitoring.alerting.alerts import find_page

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 10.0
BATCH = 10
"""Each may take its whole time-out, and the task must end within its limit."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
LAST_DOUBLING = 6


def post_owed(*, clock: Callable[[], datetime] = timezone.now) -> int:
    """Post what is due; returns how many the webhook accepted. Call outside a transaction."""
    if not settings.ALERT_WEBHOOK_URL:
        return 0
    owed = WebhookAlert.objects.owed(clock()).select_related("mailbox").order_by("pk")
    return sum(_post(alert, clock) for alert in owed[:BATCH] if _claim(alert, clock()))


def _claim(alert: WebhookAlert, now: datetime) -> bool:
    """Schedule the next attempt, by any worker, after a pause, so that two workers don't post the
    same."""
    pause = min(FIRST_PAUSE * 2 ** min(alert.attempts, LAST_DOUBLING), LONGEST_PAUSE)
    mine = WebhookAlert.objects.owed(now).filter(pk=alert.pk, attempts=alert.attempts)
    return bool(mine.update(attempts=alert.attempts + 1, next_attempt_at=now + pause))


def _post(alert: WebhookAlert, clock: Callable[[], datetime]) -> bool:
    row = WebhookAlert.objects.filter(pk=alert.pk)
    try:
        # The status is the answer: nothing of what may follow is read.
        with closing(HttpsClient(ca_file="", timeout=TIMEOUT_SECONDS)) as client:
            answer = client.ask("POST", settings.ALERT_WEBHOOK_URL, json=_body(alert), limit=0)
    except InboxError as fault:
        # The text may contain the URL, which may contain a secret.
        problem = type(fault.__cause__ or fault).__name__
    else:
        problem = "" if answer.is_success else f"HTTP {answer.status}"
    if problem:
        logger.warning("alert not posted webhook_alert=%s error=%s", alert.pk, problem)
        row.update(last_error=problem)
        return False
    row.update(posted_at=clock(), last_error="")
    return True


def _body(alert: WebhookAlert) -> dict[str, str | int]:
    """`id` is the same at every attempt, so that the receiver can drop a repeat."""
    return {
        "id": alert.pk,
        "event": alert.event,
        "mailbox": alert.mailbox.name if alert.mailbox is not None else "",
        "since": alert.since.isoformat(),
        "error": alert.error,
        "url": address_of_page(find_page(AlertEvent(alert.event), alert.mailbox_id)),
    }
