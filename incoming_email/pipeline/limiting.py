"""Limits on senders, tokens and projects: what is past them waits its turn, nothing is lost."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from incoming_email.handlers.base import Target
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline.attempts import Attempt, Step
from incoming_email.pipeline.resolving import Resolved, owns
from incoming_email.secrets import credentials
from issues.clock_skew import latest_now
from issues.models import Membership, User

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    """Of the setting."""

    column: str
    """Of the ledger, one of LIMITED_BY."""

    value: str | int | None
    """What this message has there."""

    per_hour: int


@dataclass(frozen=True, slots=True)
class Count:
    """What the ledger keeps of a message for the limits."""

    token_digest: str | None = None
    counted_at: datetime | None = None
    """When it was let through; None where it counts for no limit, or waits."""


def find_room(
    attempt: Attempt, resolved: Resolved, trace: list[Step]
) -> tuple[Count, datetime | None]:
    """How the message counts, and until when it must wait where a limit is used up.

    Members of the project who write from a verified address have no limits, where a key of theirs
    or what authenticates mail says that it is them: everybody can write their address into From.
    What was let through once (a released message) is not asked again. Two workers at the same
    moment may let a batch more through each: the limits stop floods, they don't keep accounts.
    """
    row, now = attempt.row, attempt.context.now
    known = Count(row.token_digest, row.counted_at)
    by_sender, by_token = settings.SENDER_LIMIT_PER_HOUR, settings.TOKEN_LIMIT_PER_HOUR
    by_project = settings.PROJECT_LIMIT_PER_HOUR
    if row.counted_at is not None or not (by_sender or by_token or by_project):
        return known, None
    target, sender = resolved.target, attempt.email.sender
    # Without a query where the key's owner writes and `resolve` knows that they are a member.
    if (target.author_is_member and owns(target.author, sender)) or _is_member(attempt, target):
        return known, None
    digest = credentials.digest(resolved.secret) if resolved.secret else None
    for limit in (  # the narrowest first
        Limit("SENDER_LIMIT_PER_HOUR", "sender", attempt.sender, by_sender),
        Limit("TOKEN_LIMIT_PER_HOUR", "token_digest", digest, by_token),
        Limit("PROJECT_LIMIT_PER_HOUR", "project", target.project.pk, by_project),
    ):
        until = _find_next_turn(row, limit, now) if limit.value and limit.per_hour > 0 else None
        if until is not None:
            because = f"{limit.name} is {limit.per_hour}, until {until:%Y-%m-%d %H:%M:%S} UTC"
            trace.append({"step": "limit", "result": "delayed", "because": because})
            return Count(digest), until
    return Count(digest, now), None


def _is_member(attempt: Attempt, target: Target) -> bool:
    sender = attempt.email.sender
    if not sender or target.project.pk is None:
        return False
    writer = User.objects.filter(
        is_active=True,
        emailaddress__email=sender,
        emailaddress__verified=True,
    )
    if not attempt.context.proof.passed:
        if target.author is None:
            return False
        writer = writer.filter(pk=target.author.pk)
    return Membership.objects.filter(project=target.project.pk, user__in=writer).exists()


def _find_next_turn(row: InboundEmail, limit: Limit, now: datetime) -> datetime | None:
    """When one of the hour's messages is older than an hour, so that this one may pass; None where
    it may now.

    Those that wait already, and arrived before, come first: so each is looked at about once,
    however many wait.
    """
    same = InboundEmail.objects.filter(**{limit.column: limit.value})
    within = same.filter(counted_at__gt=now - HOUR, counted_at__lte=latest_now(now))
    let_through = within.order_by("-counted_at")
    newest = list(let_through.values_list("counted_at", flat=True)[: limit.per_hour])
    if len(newest) < limit.per_hour:
        return None
    waiting = same.filter(status=Status.PENDING, counted_at=None, pk__lt=row.pk or 0)
    rounds, position = divmod(waiting.count(), limit.per_hour)
    leaves = newest[limit.per_hour - 1 - position]
    assert leaves is not None  # noqa: S101  (counted_at__gt)
    return leaves + HOUR * (1 + rounds)
