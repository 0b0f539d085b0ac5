"""The whole check: first what our own rows show, then every server side by side."""

from collections.abc import Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.describing import describe_error
from incoming_email.models import Mailbox
from incoming_email.monitoring.health import (
    clocks,
    disk,
    installation,
    mailboxes,
    outgoing,
    probing,
    servers,
)
from incoming_email.monitoring.health.examinations import Examination, MailboxFinding
from issues import connections

STEP_SECONDS = 10.0


def diagnose(
    *, now: datetime, timeout: float = STEP_SECONDS, only: str = "", other_mailbox: str = ""
) -> list[MailboxFinding]:
    """Findings of every enabled mailbox, by name, then those of the installation.

    `timeout`: seconds that a step may take; the whole takes at most 30. `only`: the name of the
    one mailbox to ask about, enabled or not. `other_mailbox`: at Microsoft Graph, one that the
    apps must not be able to read. Reads only: nothing is marked and no mail is sent.
    """
    try:
        with connections.limited_queries(timeout):
            examinations = _examine_all(
                now=now, timeout=timeout, only=only, other_mailbox=other_mailbox
            )
    except (DatabaseError, InterfaceError) as error:
        examinations = _without_database(error, timeout=timeout)
    return _run(examinations)


def diagnose_mailbox(mailbox: Mailbox, *, timeout: float = STEP_SECONDS) -> list[MailboxFinding]:
    """Findings of one mailbox, enabled or not; the row need not be saved."""
    return _run([mailboxes.examine(mailbox, _enabled(), timeout=timeout)])


def _enabled() -> list[Mailbox]:
    return list(Mailbox.objects.filter(enabled=True).order_by("name"))


def _examine_all(
    *, now: datetime, timeout: float, only: str, other_mailbox: str
) -> list[Examination]:
    enabled = _enabled()
    asked = list(Mailbox.objects.filter(name=only)) if only else enabled
    known = installation.find_processes(enabled, now=now) + installation.find_ledger(now=now)
    return [
        *(
            mailboxes.examine(each, enabled, timeout=timeout, other_mailbox=other_mailbox)
            for each in asked
        ),
        Examination(before=[_find_database(), installation.find_mailboxes(enabled)]),
        servers.examine_broker(timeout=timeout),
        Examination(before=known),
        outgoing.examine_outgoing(timeout=timeout),
        *outgoing.examine_projects(timeout=timeout),
        Examination(before=[installation.find_sending(now=now), installation.find_unsent(now=now)]),
        disk.examine_disk(timeout=timeout),
        Examination(before=[clocks.find_database_clock()]),
    ]


def _find_database() -> Finding:
    if connections.is_writable():
        return Finding("database", Answer.YES)
    remedy = _(
        "Let it take writes again, or let DATABASE_URL name the primary. Mail waits meanwhile."
    )
    return Finding("database", Answer.NO, _("the database is read-only"), remedy)


def _without_database(error: Exception, *, timeout: float) -> list[Examination]:
    remedy = _("Check DATABASE_URL and whether the server runs; then: python manage.py migrate.")
    finding = Finding("database", Answer.NO, describe_error(error).strip(), remedy)
    return [
        Examination(before=[finding]),
        servers.examine_broker(timeout=timeout),
        outgoing.examine_outgoing(timeout=timeout),
        disk.examine_disk(timeout=timeout),
    ]


def _run(examinations: Sequence[Examination]) -> list[MailboxFinding]:
    probes = [each.probe for each in examinations if each.probe is not None]
    answers = iter(probing.run(probes))
    return [
        finding
        for each in examinations
        for finding in each.with_answers(next(answers) if each.probe is not None else ())
    ]
