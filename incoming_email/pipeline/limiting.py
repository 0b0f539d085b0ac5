"""Limits on senders, tokens and projects: what is past them waits its turn, nothing is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from incoming_email.handlers.base import Target
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline.resolving import Resolved, Step, owns
from incoming_email.secrets import credentials
from issues.models import Membership, User

HOUR = timedelta(hours=1)


class Delayed(Exception):
    """To be looked at again at `until`; this attempt does not count."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    """Of the setting."""

    column: str
    """Of the ledger, one of LIMITED_BY."""

    value: str | int | None
    """What this message has there."""

    per_hour: int


def require_room(
    row: InboundEmail, email: ParsedEmail, resolved: Resolved, *, now: datetime, trace: list[Step]
) -> None:
    """Count the message for its limits, or raise Delayed where one of them is used up.

    Members of the project who write from a verified address have none, and what was let through
    once (a released message) is not asked again. Two workers at the same moment may let one more
    through each: the limits stop floods, they don't keep accounts.
    """
    if row.counted_at is not None or not any(_settings()):
        return
    if _is_members(email.sender, resolved.target):
        return
    row.token_digest = credentials.digest(resolved.secret) if resolved.secret else None
    for limit in _limits(row):
        until = _find_next_turn(row, limit, now)
        if until is not None:
            because = f"{limit.name} is {limit.per_hour}, until {until:%Y-%m-%d %H:%M:%S} UTC"
            trace.append({"step": "limit", "result": "delayed", "because": because})
            raise Delayed(until)
    row.counted_at = now


def _settings() -> tuple[int, int, int]:
    return (
        settings.SENDER_LIMIT_PER_HOUR,
        settings.TOKEN_LIMIT_PER_HOUR,
        settings.PROJECT_LIMIT_PER_HOUR,
    )


def _limits(row: InboundEmail) -> Iterator[Limit]:
    """Those that apply, the narrowest first."""
    sender, token, project = _settings()
    limits = (
        Limit("SENDER_LIMIT_PER_HOUR", "sender", row.sender, sender),
        Limit("TOKEN_LIMIT_PER_HOUR", "token_digest", row.token_digest, token),
        Limit("PROJECT_LIMIT_PER_HOUR", "project", row.project_id, project),
    )
    return (limit for limit in limits if limit.value and limit.per_hour > 0)


def _is_members(sender: str, target: Target) -> bool:
    """Without a query where the key's owner writes and `resolve` knows that they are a member."""
    if target.author_is_member and owns(target.author, sender):
        return True
    writer = User.objects.filter(
        is_active=True,
        email_addresses__address=sender,
        email_addresses__verified_at__isnull=False,
    )
    if not sender or target.project.pk is None:
        return False
    return Membership.objects.filter(project=target.project.pk, user__in=writer).exists()


def _find_next_turn(row: InboundEmail, limit: Limit, now: datetime) -> datetime | None:
    """When one of the hour's messages has left the hour for this one; None where there is room.

    Those that wait already, and came before, have their turn first: so each is looked at about
    once, however many wait.
    """
    same = InboundEmail.objects.filter(**{limit.column: limit.value})
    let_through = same.filter(counted_at__gt=now - HOUR).order_by("-counted_at")
    newest = list(let_through.values_list("counted_at", flat=True)[: limit.per_hour])
    if len(newest) < limit.per_hour:
        return None
    waiting = same.filter(status=Status.PENDING, counted_at=None, pk__lt=row.pk or 0)
    rounds, place = divmod(waiting.count(), limit.per_hour)
    leaves = newest[limit.per_hour - 1 - place]
    assert leaves is not None  # noqa: S101  (counted_at__gt)
    return leaves + HOUR * (1 + rounds)
