"""Notifies the author of a patch series that stayed incomplete which patches are missing."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from incoming_email.models import SeriesPart
from incoming_email.patch_mails import Series, drop_series, find_expired, find_series, open_series
from issues import outbox, services
from issues.models import Project
from issues.repositories import GitError, GitStopped
from issues.stopping import UNLIMITED, Budget

logger = logging.getLogger(__name__)
KIND = "series"


def finish_waiting_series(*, now: datetime, budget: Budget = UNLIMITED) -> None:
    """Apply or give up each series that waited for SERIES_WAIT_HOURS, and notify its author. The
    next call goes on where the budget is over, and tries a project again whose git failed.

    Applied is one that lacks only the cover letter, which perhaps nobody sent here.
    """
    failed = set()
    for part in find_expired(now=now):
        if budget.is_over():
            return
        if part.project_id in failed:
            continue
        try:
            _finish_that_of(part, now=now)
        except (GitError, GitStopped, OSError) as error:  # must not stop those of other projects
            logger.warning("series not applied project=%s: %s", part.project_id, error)
            failed.add(part.project_id)


def _finish_that_of(part: SeriesPart, *, now: datetime) -> None:
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=part.project_id)
        if SeriesPart.objects.filter(pk=part.pk).exists():
            _finish(find_series(part), now=now)


def _finish(series: Series, *, now: datetime) -> None:
    refusal = ""
    if not series.missing:
        try:
            with transaction.atomic():
                open_series(
                    series, source=f"series-{series.first.pk}", now=series.first.received_at
                )
        except services.Refused as error:
            refusal = error.sentence
        except (services.NotAllowed, services.Invalid) as error:
            refusal = str(error)
        else:
            return
    if not series.is_reported:
        _notify(series, refusal, now=now)
    drop_series(series)


def _notify(series: Series, refusal: str, *, now: datetime) -> None:
    """Sent to the address of the account: the mails themselves prove nobody's."""
    author, first = series.first.author, series.first
    if not (author.is_active and author.email):
        return
    with translation.override(author.language):
        subject = _("Patches are missing: %s") % (first.title or _("(no subject)"))
        text = render_to_string(
            "incoming_email/mail/series.txt",
            {
                "title": first.title,
                "project": first.project,
                "kept": _list(first, [part.number for part in series.parts]),
                "missing": _list(first, series.missing),
                "refusal": refusal,
                "hours": settings.SERIES_WAIT_HOURS,
            },
        )
    outbox.enqueue(
        kind=KIND,
        effect_key=f"{KIND}-{first.pk}",
        recipient=author.email,
        subject=subject,
        text=text,
        envelope_sender="",
        headers=outbox.MailHeaders(in_reply_to=first.whole_message_id),
        message_id=outbox.make_message_id(f"{KIND}-{first.pk}.{first.received_at:%Y%m%d%H%M%S}"),
        now=now,
    )


def _list(first: SeriesPart, numbers: object) -> str:
    assert isinstance(numbers, list | tuple)  # noqa: S101
    return ", ".join(f"{number}/{first.total}" for number in numbers)
