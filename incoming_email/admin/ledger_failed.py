"""All that an earlier version failed at: what would differ now, and processing it again in the
background."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from celery.exceptions import OperationalError
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.admin.ledger_trying import Difference, compare, try_again
from incoming_email.admin.redaction import Redactor
from incoming_email.models import InboundEmail
from incoming_email.versions import find_version
from issues import broker

logger = logging.getLogger(__name__)
MAX_PREVIEWED = 50
PREVIEW_SECONDS = 20.0
"""Then the rest is left out of the preview: the page must answer."""


@dataclass(frozen=True, slots=True)
class Previewed:
    row: InboundEmail
    sender: str
    subject: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class FailedPage:
    version: str
    count: int
    previewed: tuple[Previewed, ...] = ()
    is_previewed: bool = False


def find_failed() -> QuerySet[InboundEmail]:
    return InboundEmail.objects.failed_before(find_version()).order_by("pk")


def describe_failed(*, now: datetime | None = None, seconds: float = PREVIEW_SECONDS) -> FailedPage:
    """With `now`, also what another attempt would change for the first of them, without effect."""
    previewed = tuple(_preview(now, seconds)) if now else ()
    return FailedPage(find_version(), find_failed().count(), previewed, is_previewed=bool(now))


def _preview(now: datetime, seconds: float) -> Iterator[Previewed]:
    ends, redactor = time.monotonic() + seconds, Redactor.load()
    for pk in list(find_failed().values_list("pk", flat=True)[:MAX_PREVIEWED]):
        row = InboundEmail.objects.select_related("mailbox", "project").get(pk=pk)
        fresh = try_again(row, now=now)
        yield Previewed(
            row,
            redactor.redact(fresh.sender or row.sender),
            redactor.redact(fresh.subject or row.subject),
            compare(row, fresh, redactor),
        )
        if time.monotonic() > ends:
            return


def start(*, user_id: int) -> tuple[bool, str]:
    """Hand all of them to a worker and record it; returns whether that succeeded, and a message."""
    count = find_failed().count()
    try:
        broker.hand_over("incoming_email.retry_failed")
    except (OperationalError, OSError) as error:
        logger.warning("retry not queued cause=%s", type(error).__name__)
        return False, _("The broker does not answer, so nothing was started. Try again later.")
    said = ngettext(
        "The worker processes %(count)d message again. What becomes of it shows in the ledger.",
        "The worker processes %(count)d messages again. What becomes of them shows in the ledger.",
        count,
    ) % {"count": count}
    LogEntry.objects.create(
        user_id=user_id,
        content_type=ContentType.objects.get_for_model(InboundEmail),
        object_repr=str(InboundEmail._meta.verbose_name_plural),
        action_flag=CHANGE,
        change_message=_("All that failed before this version is processed again: %(count)d.")
        % {"count": count},
    )
    return True, said
