"""Writes probes: one row, and with it one mail that is sent like every other."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from incoming_email.keys import probe_keys
from incoming_email.models import Mailbox, Probe
from issues import outbox
from issues.clock_skew import latest_now

logger = logging.getLogger(__name__)
KIND = "probe"


def find_obstacle(mailbox: Mailbox) -> str:
    """Why this mailbox can't receive a probe, in a sentence; empty where it can."""
    if not outbox.leaves_the_machine():
        return _(
            "EMAIL_URL names no mail server, so mail is stored here and no test message can come"
            " back."
        )
    if not mailbox.enabled:
        return _("The mailbox is switched off, so nobody reads it.")
    return ""


def send_due(*, now: datetime) -> int:
    """Write a probe for each mailbox whose time it is; return how many."""
    if not outbox.leaves_the_machine():
        return 0
    return sum(
        _send_by_the_clock(mailbox, now=now)
        for mailbox in Mailbox.objects.filter(enabled=True).order_by("pk")
        if mailbox.probe_interval and _is_due(mailbox, now)
    )


def _is_due(mailbox: Mailbox, now: datetime) -> bool:
    """A time that is further ahead than the interval was set by a clock that was wrong, or before
    the interval was shortened."""
    latest = latest_now(now) + timedelta(minutes=mailbox.probe_interval)
    return not now < (mailbox.next_probe_at or now) <= latest


def _send_by_the_clock(mailbox: Mailbox, *, now: datetime) -> bool:
    """The next time and the probe commit together, so of two workers one sends, once."""
    mine = Mailbox.objects.filter(pk=mailbox.pk, next_probe_at=mailbox.next_probe_at)
    with transaction.atomic():
        if not mine.update(next_probe_at=now + timedelta(minutes=mailbox.probe_interval)):
            return False
        send(mailbox, now=now, is_scheduled=True)
    return True


@transaction.atomic
def send(mailbox: Mailbox, *, now: datetime, is_scheduled: bool = False) -> Probe:
    """Write the probe and its mail."""
    probe = Probe.objects.create(mailbox=mailbox, created_at=now, is_scheduled=is_scheduled)
    key = probe_keys.make_key(probe.pk)
    with translation.override(settings.LANGUAGE_CODE):
        text = _(
            "Letterbox sends this email to itself to check that mail is sent and received. You "
            "do not need to do anything."
        )
    probe.outgoing = outbox.enqueue(
        kind=KIND,
        effect_key=f"probe-{probe.pk}",
        recipient=mailbox.template.address_for(key),
        subject=f"Letterbox probe {probe.pk}",
        text=f"{text}\n",
        envelope_sender=outbox.bare_address(settings.DEFAULT_FROM_EMAIL),
        message_id=outbox.make_message_id(key),
        now=now,
    )
    probe.save(update_fields=["outgoing"])
    logger.info("probe written probe=%s mailbox=%s", probe.pk, mailbox.pk)
    return probe
