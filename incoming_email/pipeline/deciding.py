"""What is to be done with a message: let a handler act, ignore, reject, hold or delay it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from incoming_email import patch_mails
from incoming_email.handlers.base import Context
from incoming_email.keys import probe_keys
from incoming_email.keys.answered import find_nearest
from incoming_email.limits.blocking import EVERYWHERE
from incoming_email.models import SenderPolicy
from incoming_email.outcomes import Held, Ignored, Reason, Refusal, Refused, Rejected
from incoming_email.parsing.addresses import AddressTemplate
from incoming_email.parsing.mime.headers import NO_FIELDS
from incoming_email.parsing.types import Kind, ParsedEmail
from incoming_email.pipeline.attempts import Attempt, Step
from incoming_email.pipeline.isolation.reading import UNREAD
from incoming_email.pipeline.limiting import Count, find_room
from incoming_email.pipeline.resolving import (
    Resolved,
    find_named,
    find_override,
    fits_sender,
    resolve,
)
from issues import outbox
from issues.accounts import has_second_factor
from issues.quick_actions import Answered

IGNORED_KINDS = {
    Kind.AUTOMATIC: Reason.AUTOMATIC,
    Kind.BOUNCE: Reason.BOUNCE,
    Kind.RECEIPT: Reason.RECEIPT,
}
OPEN_RECIPIENTS = {"To", "Cc"}


@dataclass(frozen=True, slots=True)
class Act:
    """Let this handler act on this target. `effect_key` is the same for every copy of a message
    that would do the same: it may act once."""

    resolved: Resolved
    effect_key: str


@dataclass(frozen=True, slots=True)
class Delay:
    """To be looked at again at `until`; this attempt does not count."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a message, made once an attempt, and nothing is written for it."""

    verdict: Act | Refusal | Delay
    trace: tuple[Step, ...]
    project_id: int | None
    """The target's project, once a key was resolved, whatever the verdict."""

    count: Count


def decide(attempt: Attempt) -> Decision:
    """Find the handler that may act, and on what, or why none may. Only reads."""
    row, trace = attempt.row, list[Step]()
    project_id, count = None, Count(row.token_digest, row.counted_at)
    verdict: Act | Refusal | Delay
    try:
        resolved = _find_target(attempt, trace)
        project_id = resolved.target.project.pk
        count, until = find_room(attempt, resolved, trace)
        if until is None:
            _require_allowed(attempt, resolved, trace)
            verdict = Act(resolved, make_effect_key(attempt.email, resolved))
        else:
            verdict = Delay(until)
    except Refused as refused:
        verdict = refused.refusal
    return Decision(verdict, tuple(trace), project_id, count)


def _find_target(attempt: Attempt, trace: list[Step]) -> Resolved:
    """The handler and its target; raises Ignored, or Rejected where nothing resolves."""
    email, mailbox, context = attempt.email, attempt.row.mailbox, attempt.context
    if attempt.row.oversize:
        raise Rejected(Reason.TOO_LARGE)
    if NO_FIELDS in email.defects:
        raise Rejected(Reason.NOT_A_MESSAGE)
    probe = probe_keys.find_number(email, mailbox.template)
    if probe is not None:
        trace.append({"step": "probe", "result": str(probe)})
        raise Ignored(Reason.PROBE)
    reason = _find_reason_to_ignore(email, mailbox.template, trace)
    if reason is not None:
        override = find_override(email, mailbox.template, context, reason, trace)
        if override is None:
            raise Ignored(reason)
        return override
    _require_unblocked(EVERYWHERE, context, trace)
    if UNREAD in email.defects:
        trace.append({"step": "reading", "result": "ended", "because": email.defects[-1]})
        raise Rejected(Reason.TOO_COMPLEX)
    resolved = resolve(email, mailbox.template, context, trace)
    _require_unblocked(resolved.target.project.pk, context, trace)
    return resolved


def _require_allowed(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """Raises Rejected or Held where the target or a policy does not let the message through."""
    if resolved.target.refusal is not None:
        raise Rejected(resolved.target.refusal)
    _require_project_allows(attempt, resolved, trace)
    _require_fitting_sender(attempt, resolved, trace)
    _require_own_readers(attempt, resolved, trace)
    recipients = {c.address for c in attempt.email.candidates if c.header in OPEN_RECIPIENTS}
    if len(recipients) > settings.MAX_RECIPIENTS:
        _hold(Reason.TOO_MANY_RECIPIENTS, attempt.context)


def _find_reason_to_ignore(
    email: ParsedEmail, template: AddressTemplate, trace: list[Step]
) -> Reason | None:
    own = bool(email.origin) and outbox.is_own(email.message_id, email.origin)
    if own or (email.sender and template.matches(email.sender)):
        sign = "X-Letterbox-Origin is ours" if own else "From is an address of this mailbox"
        trace.append({"step": "kind", "result": "own mail", "because": sign})
        return Reason.OWN_MAIL
    trace.append({"step": "kind", "result": email.kind.value, "because": email.kind_reason})
    return IGNORED_KINDS.get(email.kind)


def _require_unblocked(project_id: int | None, context: Context, trace: list[Step]) -> None:
    if project_id in context.blocked_in:
        where = "everywhere" if project_id is EVERYWHERE else "for the project"
        trace.append({"step": "blocked senders", "result": f"blocked {where}"})
        raise Ignored(Reason.BLOCKED_SENDER)


def _require_project_allows(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """What the project takes by mail, and from which members. The service desk, and leaving a
    discussion, are no project's to switch off here."""
    switch, target = resolved.handler.project_switch, resolved.target
    if not switch:
        return
    if not getattr(target.project, switch):
        trace.append({"step": "project", "result": f"{switch} is off"})
        raise Rejected(Reason.SWITCHED_OFF)
    if target.project.mail_needs_second_factor and not has_second_factor(target.author):
        trace.append({"step": "project", "result": "the author has no second factor"})
        raise Rejected(Reason.NO_SECOND_FACTOR)
    if target.project.mail_needs_authentication:
        fits, proof = fits_sender(target, attempt.email.sender), attempt.context.proof
        result = "passed" if fits and proof.passed else "not passed"
        trace.append({"step": "project", "result": result, "because": proof.because})
        if not fits:
            _hold(Reason.SENDER_MISMATCH, attempt.context)
        if not proof.passed:
            _hold(Reason.NOT_AUTHENTICATED, attempt.context)


def _require_fitting_sender(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """The mailbox's policy for this feature: nothing, From fits, or From fits and is proven."""
    email, mailbox, context = attempt.email, attempt.row.mailbox, attempt.context
    field = resolved.handler.sender_policy
    policy = getattr(mailbox, field) if field else SenderPolicy.OFF
    if policy == SenderPolicy.OFF:
        trace.append({"step": "sender", "result": "not asked for"})
        return
    fits = fits_sender(resolved.target, email.sender)
    trace.append({"step": "sender", "result": "fits the key" if fits else "does not fit the key"})
    if not fits and policy != SenderPolicy.FLAG:
        _hold(Reason.SENDER_MISMATCH, context)
    if policy == SenderPolicy.MATCH:
        return
    result = "passed" if context.proof.passed else "not passed"
    trace.append({"step": "authentication", "result": result, "because": context.proof.because})
    if not context.proof.passed and policy != SenderPolicy.FLAG:
        _hold(Reason.NOT_AUTHENTICATED, context)


def _require_own_readers(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """An answer to an internal note is internal in the discussion of that note alone; at any other
    address of ours it would reach readers whom it was not meant for.

    All that the message names counts, also what was sent to somebody else: it may be the answer to
    a forwarded note. The common case costs no query.
    """
    context = attempt.context
    internal = context.internal and find_named(attempt.email, context.told) & context.internal
    if not internal or not resolved.handler.publishes:
        return
    if internal != {_find_place(attempt, resolved)}:
        trace.append({"step": "answered note", "result": "internal, in another discussion"})
        _hold(Reason.INTERNAL_ANSWER, context)


def _find_place(attempt: Attempt, resolved: Resolved) -> Answered | None:
    """The discussion that the handler writes in; None where it begins one, or an item."""
    handler, target, email = resolved.handler, resolved.target, attempt.email
    if target.author is None:
        return None
    if handler.secret_key:
        return Answered(target.item, target.discussion) if target.item is not None else None
    # A private address: its handler places the text by what is answered on its own item.
    answered = find_nearest(email.answered_ids, attempt.context.told, target.author)
    item = target.item
    if handler.name == "merge_request":
        item = patch_mails.find_changed(email, project=target.project, author=target.author)
    return answered if answered is not None and answered.item == item else None


def _hold(reason: Reason, context: Context) -> None:
    if reason.value not in context.waived:
        raise Held(reason, rule=reason.value)


def make_effect_key(email: ParsedEmail, resolved: Resolved) -> str:
    parts = (email.message_id or _content_digest(email), email.sender)
    named = "\n".join([*parts, resolved.handler.name, resolved.key])
    return hashlib.sha256(named.encode(errors="replace")).hexdigest()


def _content_digest(email: ParsedEmail) -> str:
    """Replaces a missing Message-ID: a digest of what the person wrote, without trace headers."""
    digest = hashlib.sha256()
    for text in (email.subject, str(email.date), email.text):
        digest.update(text.encode(errors="replace") + b"\0")
    for attachment in email.attachments:
        digest.update(hashlib.sha256(attachment.content).digest())
    return digest.hexdigest()
