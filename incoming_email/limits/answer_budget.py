"""How many automatic answers may still go out: to a sender, a domain, by a mailbox, in a day."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from issues.models import OutgoingEmail

REJECTION = "rejection"
HELD = "held"
FAILED_COMMANDS = "quick_actions"
AUTOMATIC_KINDS = (REJECTION, HELD, FAILED_COMMANDS)
"""Kinds of outgoing mail that answer a mail by themselves."""

THANK_YOU, WELCOME = "desk_thank_you", "desk_participant"
LOOPING_KINDS = (*AUTOMATIC_KINDS, THANK_YOU, WELCOME)
"""Kinds that LOOP_LIMIT_PER_HOUR counts. A busy desk may well thank a domain all day long, so the
limits of a day leave its mails out."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """Automatic answers of the last 24 hours, by whom they went to and which mailbox caused them.

    `mailboxes` has the mailbox's id, or None where the row does not know it.
    """

    senders: Mapping[str, int]
    domains: Mapping[str, int]
    mailboxes: Mapping[int | None, int]


def name_budget(mailbox_id: int) -> str:
    """The budget that a row of outgoing mail is counted in."""
    return f"mailbox {mailbox_id}"


def find_used_up(recipient: str, *, mailbox_id: int, now: datetime) -> str:
    """The setting that forbids one more answer to this address; empty where one may be sent.

    Counted are rows of outgoing mail, sent or not. Two workers at the same moment may let one more
    through each: the limits stop floods, they are not exact.
    """
    if recipient in find_over_limit([recipient], now=now):
        return "LOOP_LIMIT_PER_HOUR"
    sent = _find_automatic(now).aggregate(
        NOTICE_SENDER_LIMIT_PER_DAY=Count("pk", filter=Q(recipient=recipient)),
        NOTICE_DOMAIN_LIMIT_PER_DAY=Count(
            "pk", filter=Q(recipient__iendswith=f"@{_domain_of(recipient)}")
        ),
        NOTICE_MAILBOX_LIMIT_PER_DAY=Count("pk", filter=Q(budget=name_budget(mailbox_id))),
    )
    limits = {name: limit for name, limit in daily_limits().items() if limit > 0}
    return next((name for name, limit in limits.items() if sent[name] >= limit), "")


def find_over_limit(addresses: Collection[str], *, now: datetime) -> set[str]:
    """Those that got LOOP_LIMIT_PER_HOUR mails of LOOPING_KINDS in the last hour; in one query.
    0 is no limit.

    A robot that answers each of them by a new mail gets no more answers from then on.
    """
    most = settings.LOOP_LIMIT_PER_HOUR
    if most <= 0 or not addresses:
        return set()
    got = OutgoingEmail.objects.filter(
        recipient__in=addresses, kind__in=LOOPING_KINDS, created_at__gt=now - HOUR
    )
    counted = got.values("recipient").annotate(count=Count("pk")).filter(count__gte=most)
    return set(counted.values_list("recipient", flat=True))


def daily_limits() -> dict[str, int]:
    """By name of the setting, the narrowest first; 0 is no limit."""
    return {
        "NOTICE_SENDER_LIMIT_PER_DAY": settings.NOTICE_SENDER_LIMIT_PER_DAY,
        "NOTICE_DOMAIN_LIMIT_PER_DAY": settings.NOTICE_DOMAIN_LIMIT_PER_DAY,
        "NOTICE_MAILBOX_LIMIT_PER_DAY": settings.NOTICE_MAILBOX_LIMIT_PER_DAY,
    }


def find_spent(*, now: datetime) -> Spent:
    """One query; its rows are at most as many as the budgets allow."""
    senders: Counter[str] = Counter()
    domains: Counter[str] = Counter()
    mailboxes: Counter[int | None] = Counter()
    groups = _find_automatic(now).order_by().values_list("recipient", "budget")
    for recipient, budget, count in groups.annotate(n=Count("pk")):
        senders[recipient] += count
        domains[_domain_of(recipient)] += count
        mailboxes[_read_budget(budget)] += count
    return Spent(senders, domains, mailboxes)


def _find_automatic(now: datetime) -> QuerySet[OutgoingEmail]:
    return OutgoingEmail.objects.filter(kind__in=AUTOMATIC_KINDS, created_at__gt=now - DAY)


def _domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _read_budget(budget: str | None) -> int | None:
    number = (budget or "").removeprefix("mailbox ")
    return int(number) if number.isdecimal() else None
