"""Whose mail is not wanted, and how much of one sender, token or project is taken at once: what is
past that waits its turn, nothing is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from incoming_email.handlers.base import Target
from incoming_email.limits.blocking import find_patterns
from incoming_email.models import BlockedSender, InboundEmail
from incoming_email.outcomes import Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline.attempts import Attempt, Step
from incoming_email.pipeline.resolving import Resolved, fits_sender
from incoming_email.secrets import credentials
from issues.clock_skew import latest_now
from issues.mail_addresses import find_spellings
from issues.models import Membership, User

HOUR = timedelta(hours=1)
EVERYWHERE = None


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


def find_blocks(emails: Sequence[ParsedEmail]) -> list[dict[int | None, bool]]:
    """By message, the ids of projects that block who sent it or the address that an answer would go
    to, with EVERYWHERE among them where the block is for all; and whether nothing but a ticket that
    is marked as spam does. One query."""
    by_pattern: dict[str, set[int]] = {}
    found: list[dict[int | None, bool]] = []
    for number, email in enumerate(emails):
        found.append({})
        # From too where somebody behind it counts as the sender: a blocked one may name anybody.
        for address in {email.sender, email.reply_to, email.shown_from} - {""}:
            for pattern in find_patterns(address):
                by_pattern.setdefault(pattern, set()).add(number)
    rows = BlockedSender.objects.filter(pattern__in=by_pattern)
    for pattern, project_id, by_spam in rows.values_list("pattern", "project_id", "by_spam"):
        for number in by_pattern[pattern]:
            found[number][project_id] = by_spam and found[number].get(project_id, True)
    return found


def find_room(
    attempt: Attempt, resolved: Resolved, trace: list[Step]
) -> tuple[Count, datetime | None]:
    """How the message counts, and until when it must wait where a limit is used up.

    Mail to a secret key is counted by itself, since strangers' mail, from whatever address it says
    to be, must not delay it. Members of the project who write from a verified address have no
    limits, where a key of theirs or what authenticates mail says that it is them: everybody can
    write their address into From. What was let through once (a released message) is not asked
    again. Two workers at the same moment may let a batch more through each: the limits stop floods,
    they don't keep accounts.
    """
    row, now = attempt.row, attempt.context.now
    known = Count(row.token_digest, row.counted_at)
    by_sender, by_token = settings.SENDER_LIMIT_PER_HOUR, settings.TOKEN_LIMIT_PER_HOUR
    by_project = settings.PROJECT_LIMIT_PER_HOUR
    if row.counted_at is not None or not (by_sender or by_token or by_project):
        return known, None
    target = resolved.target
    # Without a query where the key's owner writes and `resolve` knows that they are a member.
    is_own_key = target.author_is_member and fits_sender(target, attempt.email.sender)
    if is_own_key or _is_member(attempt, target):
        return known, None
    digest = credentials.digest(resolved.secret) if resolved.secret else None
    for limit in (  # the narrowest first
        Limit("SENDER_LIMIT_PER_HOUR", "sender", attempt.sender, by_sender),
        Limit("TOKEN_LIMIT_PER_HOUR", "token_digest", digest, by_token),
        Limit("PROJECT_LIMIT_PER_HOUR", "project", target.project.pk, by_project),
    ):
        is_asked = limit.value and limit.per_hour > 0
        until = _find_next_turn(row, limit, now, has_key=digest is not None) if is_asked else None
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
        emailaddress__email__in=find_spellings(sender),
        emailaddress__verified=True,
    )
    if not attempt.context.proof.passed:
        if target.author is None:
            return False
        writer = writer.filter(pk=target.author.pk)
    return Membership.objects.filter(project=target.project.pk, user__in=writer).exists()


def _find_next_turn(
    row: InboundEmail, limit: Limit, now: datetime, *, has_key: bool
) -> datetime | None:
    """When one of the hour's messages is older than an hour, so that this one may pass; None where
    it may now.

    Those that wait already, and arrived before, come first: so each is looked at about once,
    however many wait.
    """
    is_sender = limit.column == "sender"
    values = find_spellings(str(limit.value)) if is_sender else [limit.value]
    same = InboundEmail.objects.filter(
        **{f"{limit.column}__in": values}, token_digest__isnull=not has_key
    )
    taken = same
    if is_sender and has_key:
        # By a key of their own everybody can write an address of somebody else's into From: what
        # came of it counts for that key alone.
        taken = same.exclude(status__in=(Status.HELD, Status.REJECTED))
    within = taken.filter(counted_at__gt=now - HOUR, counted_at__lte=latest_now(now))
    let_through = within.order_by("-counted_at")
    newest = list(let_through.values_list("counted_at", flat=True)[: limit.per_hour])
    if len(newest) < limit.per_hour:
        return None
    waiting = same.filter(status=Status.PENDING, counted_at=None, pk__lt=row.pk or 0)
    rounds, position = divmod(waiting.count(), limit.per_hour)
    leaves = newest[limit.per_hour - 1 - position]
    assert leaves is not None  # noqa: S101  (counted_at__gt)
    return leaves + HOUR * (1 + rounds)
