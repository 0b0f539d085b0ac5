"""How many automatic answers may still go out in an hour and in a day: to a sender and a domain, by
a mailbox and a project."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count

from incoming_email.parsing.addresses import fold_address
from issues.mail_addresses import canonical_domain
from issues.models import OutgoingEmail

REJECTION = "rejection"
HELD = "held"
FAILED_COMMANDS = "quick_actions"
AUTOMATIC_KINDS = (REJECTION, HELD, FAILED_COMMANDS)
"""Kinds of outgoing mail that answer a mail by themselves."""

THANK_YOU, WELCOME = "desk_thank_you", "desk_participant"
ANSWERING_KINDS = (*AUTOMATIC_KINDS, THANK_YOU, WELCOME)
"""Kinds that the limits of an hour count. A busy desk may well thank a domain all day long, so the
limits of a day leave its mails out."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """Automatic answers, by whom they went to and what caused them.

    `senders` are folded: all addresses of one person's mailbox are one. `mailboxes` and `projects`
    have ids, or None where the row does not know it.
    """

    senders: Mapping[str, int]
    domains: Mapping[str, int]
    mailboxes: Mapping[int | None, int]
    projects: Mapping[int | None, int]


def name_budget(mailbox_id: int) -> str:
    """The budget that a row of outgoing mail is counted in."""
    return f"mailbox {mailbox_id}"


def find_used_up(recipient: str, *, mailbox_id: int, now: datetime) -> str:
    """The setting that forbids one more answer to this address; empty where one may be sent.

    Counted are rows of outgoing mail, sent or not. Two workers at the same moment may let one more
    through each: the limits stop floods, they are not exact.
    """
    reached = _find_reached([recipient], None, mailbox_id, now)
    if reached:
        return reached[recipient]
    return _find_first(find_spent(now=now), daily_limits(), recipient, mailbox_id=mailbox_id)


def find_over_limit(
    addresses: Collection[str],
    *,
    now: datetime,
    project_id: int | None = None,
    mailbox_id: int | None = None,
) -> set[str]:
    """Those to which no answer may go in this hour: a limit of their own, or of the project or
    mailbox that causes it, is reached; 0 is no limit. One query.

    A robot that answers each answer by a new mail gets no more from then on.
    """
    return set(_find_reached(addresses, project_id, mailbox_id, now))


def _find_reached(
    addresses: Collection[str], project_id: int | None, mailbox_id: int | None, now: datetime
) -> dict[str, str]:
    """By address, the setting that is reached."""
    if not addresses:
        return {}
    spent, limits = find_spent_in_hour(now=now), hourly_limits()
    names = {
        address: _find_first(spent, limits, address, project_id=project_id, mailbox_id=mailbox_id)
        for address in addresses
    }
    return {address: name for address, name in names.items() if name}


def _find_first(
    spent: Spent,
    limits: Mapping[str, int],
    address: str,
    *,
    mailbox_id: int | None,
    project_id: int | None = None,
) -> str:
    """The first of the limits that is reached, narrowest first; empty where none is."""
    counts = (
        spent.senders.get(fold_address(address), 0),
        spent.domains.get(_domain_of(address), 0),
        spent.mailboxes.get(mailbox_id, 0) if mailbox_id else 0,
        spent.projects.get(project_id, 0) if project_id else 0,
    )
    reached = zip(limits.items(), counts, strict=False)
    return next((name for (name, limit), count in reached if 0 < limit <= count), "")


def daily_limits() -> dict[str, int]:
    """By name of the setting, in the order of the fields of Spent; 0 is no limit."""
    return {
        "NOTICE_SENDER_LIMIT_PER_DAY": settings.NOTICE_SENDER_LIMIT_PER_DAY,
        "NOTICE_DOMAIN_LIMIT_PER_DAY": settings.NOTICE_DOMAIN_LIMIT_PER_DAY,
        "NOTICE_MAILBOX_LIMIT_PER_DAY": settings.NOTICE_MAILBOX_LIMIT_PER_DAY,
    }


def hourly_limits() -> dict[str, int]:
    """The same of an hour."""
    return {
        "LOOP_LIMIT_PER_HOUR": settings.LOOP_LIMIT_PER_HOUR,
        "ANSWER_DOMAIN_LIMIT_PER_HOUR": settings.ANSWER_DOMAIN_LIMIT_PER_HOUR,
        "ANSWER_MAILBOX_LIMIT_PER_HOUR": settings.ANSWER_MAILBOX_LIMIT_PER_HOUR,
        "ANSWER_PROJECT_LIMIT_PER_HOUR": settings.ANSWER_PROJECT_LIMIT_PER_HOUR,
    }


def find_spent(*, now: datetime) -> Spent:
    """Notices of a day. One query; its rows are at most as many as the budgets allow."""
    return _count(AUTOMATIC_KINDS, since=now - DAY)


def find_spent_in_hour(*, now: datetime) -> Spent:
    """Answers of every kind."""
    return _count(ANSWERING_KINDS, since=now - HOUR)


def _count(kinds: Collection[str], *, since: datetime) -> Spent:
    senders: Counter[str] = Counter()
    domains: Counter[str] = Counter()
    mailboxes: Counter[int | None] = Counter()
    projects: Counter[int | None] = Counter()
    rows = OutgoingEmail.objects.filter(kind__in=kinds, created_at__gt=since).order_by()
    groups = rows.values_list("recipient", "answered_mailbox", "budget", "project")
    for recipient, mailbox, budget, project, count in groups.annotate(n=Count("pk")):
        senders[fold_address(recipient)] += count
        domains[_domain_of(recipient)] += count
        mailboxes[mailbox or _read_budget(budget)] += count
        projects[project] += count
    return Spent(senders, domains, mailboxes, projects)


def _domain_of(address: str) -> str:
    return canonical_domain(address.rpartition("@")[2])


def _read_budget(budget: str | None) -> int | None:
    number = (budget or "").removeprefix("mailbox ")
    return int(number) if number.isdecimal() else None
