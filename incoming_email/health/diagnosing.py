"""The whole check: all that our rows know first, then every server side by side."""

from collections.abc import Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _

from incoming_email.health import installation, mailboxes, probing, servers
from incoming_email.health.examinations import Examination, MailboxFinding
from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import Mailbox

STEP_SECONDS = 10.0


def diagnose(
    *, now: datetime, timeout: float = STEP_SECONDS, only: str = ""
) -> list[MailboxFinding]:
    """Findings of every enabled mailbox, by name, then those of the installation.

    `timeout`: seconds that a step may take; the whole takes at most 30. `only`: the name of the
    one mailbox to ask about, enabled or not. Reads only: nothing is marked and no mail is sent.
    """
    try:
        examinations = _examine_all(now=now, timeout=timeout, only=only)
    except (DatabaseError, InterfaceError) as error:
        examinations = _without_database(error, timeout=timeout)
    return _run(examinations)


def diagnose_mailbox(mailbox: Mailbox, *, timeout: float = STEP_SECONDS) -> list[MailboxFinding]:
    """Findings of one mailbox, enabled or not; the row need not be saved."""
    return _run([mailboxes.examine(mailbox, _enabled(), timeout=timeout)])


def _enabled() -> list[Mailbox]:
    return list(Mailbox.objects.filter(enabled=True).order_by("name"))


def _examine_all(*, now: datetime, timeout: float, only: str) -> list[Examination]:
    enabled = _enabled()
    asked = list(Mailbox.objects.filter(name=only)) if only else enabled
    known = installation.find_processes(enabled, now=now) + installation.find_ledger(now=now)
    return [
        *(mailboxes.examine(mailbox, enabled, timeout=timeout) for mailbox in asked),
        Examination(before=[Finding("database", Answer.YES), installation.find_mailboxes(enabled)]),
        servers.examine_broker(timeout=timeout),
        Examination(before=known),
        servers.examine_outgoing(timeout=timeout),
        Examination(before=[installation.find_unsent(now=now)]),
    ]


def _without_database(error: Exception, *, timeout: float) -> list[Examination]:
    remedy = _("Check DATABASE_URL and whether the server runs; then: python manage.py migrate.")
    finding = Finding("database", Answer.NO, servers.find_words(error).strip(), remedy)
    return [
        Examination(before=[finding]),
        servers.examine_broker(timeout=timeout),
        servers.examine_outgoing(timeout=timeout),
    ]


def _run(examinations: Sequence[Examination]) -> list[MailboxFinding]:
    probes = [each.probe for each in examinations if each.probe is not None]
    answers = iter(probing.run(probes))
    return [
        finding
        for each in examinations
        for finding in each.with_answers(next(answers) if each.probe is not None else ())
    ]
