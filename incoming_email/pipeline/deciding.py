"""What is to be done with a message: let a handler act, ignore, reject, hold or delay it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from incoming_email import patch_mails
from incoming_email.handlers.base import Context
from incoming_email.handlers.project_rules import require_project_allows
from incoming_email.keys import probe_keys
from incoming_email.keys.answered import find_confidential, find_nearest
from incoming_email.models import SenderPolicy
from incoming_email.outcomes import Held, Ignored, Reason, Refusal, Refused, Rejected
from incoming_email.parsing.mime.headers import NO_FIELDS
from incoming_email.parsing.types import Kind, ParsedEmail
from incoming_email.pipeline.attempts import Attempt, Step
from incoming_email.pipeline.isolation.reading import UNREAD
from incoming_email.pipeline.limiting import EVERYWHERE, Count, find_room
from incoming_email.pipeline.resolving import (
    Resolved,
    find_override,
    fits_sender,
    resolve,
)
from incoming_email.sender_auth import NO_PROOF
from issues import outbox
from issues.models import OutgoingEmail
from issues.quick_actions import Answered

IGNORED_KINDS = {
    Kind.AUTOMATIC: Reason.AUTOMATIC,
    Kind.BOUNCE: Reason.BOUNCE,
    Kind.RECEIPT: Reason.RECEIPT,
}
UNREAD_REASONS = {Reason.TOO_LARGE, Reason.TOO_COMPLEX}
"""Of messages of which only the header is read, which says whose key they are to."""

OPEN_RECIPIENTS = {"To", "Cc"}
COVER_LETTER_WAIT = timedelta(minutes=10)
"""Mails of one series are sent together, and may come in any order."""

COVER_LETTER_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Act:
    """Let this handler act on this target. `effect_key` is the same for every copy of a message
    that would do the same: it may act once."""

    resolved: Resolved
    effect_key: str
    former_key: str = ""
    """As earlier versions made it, with the slug; empty where that is the same."""


@dataclass(frozen=True, slots=True)
class Delay:
    """To be looked at again at `until`; this attempt does not count."""

    until: datetime


class _Delayed(Exception):
    """What is to be done can't be known before that moment."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a message, made once an attempt, and nothing is written for it."""

    verdict: Act | Refusal | Delay
    trace: tuple[Step, ...]
    count: Count
    resolved: Resolved | None
    """Once a key was, whatever the verdict."""


def decide(attempt: Attempt) -> Decision:
    """Find the handler that may act, and on what, or why none may. Only reads."""
    row, trace = attempt.row, list[Step]()
    count, resolved = Count(row.token_digest, row.counted_at), None
    verdict: Act | Refusal | Delay
    try:
        resolved = _find_target(attempt, trace)
        names_ours = bool(attempt.email.answered_ids or attempt.email.attached_ids)
        if not names_ours:
            _require_no_spam(attempt.context, resolved, trace)
        count, until = find_room(attempt, resolved, trace)
        if until is None:
            _require_allowed(attempt, resolved, trace)
            if names_ours:  # what may be about others' internal notes is held as such
                _require_no_spam(attempt.context, resolved, trace)
            verdict = Act(resolved, *_make_effect_keys(attempt.email, resolved))
        else:
            verdict = Delay(until)
    except Refused as refused:
        verdict = refused.refusal
        if verdict.reason in UNREAD_REASONS:
            resolved = _find_by_header(attempt)
    except _Delayed as delayed:
        verdict = Delay(delayed.until)
    return Decision(verdict, tuple(trace), count, resolved)


def _find_target(attempt: Attempt, trace: list[Step]) -> Resolved:
    """The handler and its target; raises Ignored, or Rejected where nothing resolves."""
    email, context = attempt.email, attempt.context
    if attempt.row.oversize:
        raise Rejected(Reason.TOO_LARGE)
    if NO_FIELDS in email.defects:
        raise Rejected(Reason.NOT_A_MESSAGE)
    probe = probe_keys.find_number(email, context.keys)
    if probe is not None:
        trace.append({"step": "probe", "result": str(probe)})
        raise Ignored(Reason.PROBE)
    reason = _find_reason_to_ignore(email, trace)
    if reason is not None:
        override = find_override(email, context, reason, trace)
        if override is None:
            raise Ignored(reason)
        return override
    _require_unblocked(EVERYWHERE, context, trace)
    if UNREAD in email.defects:
        trace.append({"step": "reading", "result": "ended", "because": email.defects[-1]})
        raise Rejected(Reason.TOO_COMPLEX)
    template = attempt.row.mailbox.template
    if template.is_postmaster(attempt.row.recipient):
        _require_no_spam(context, None, trace)
        _hold(Reason.POSTMASTER, context)  # the digest tells administrators
    resolved = resolve(email, template, context, trace)
    _require_unblocked(resolved.target.project.pk, context, trace)
    return resolved


def _find_by_header(attempt: Attempt) -> Resolved | None:
    """Whose key a message is to that is not looked at any further: who has one is told why."""
    context = attempt.context
    try:
        found = resolve(attempt.email, attempt.row.mailbox.template, context, [])
        for place in (EVERYWHERE, found.target.project.pk):
            _require_unblocked(place, context, [])
    except Refused:
        return None
    return found


def _require_allowed(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """Raises Rejected or Held where the target or a policy does not let the message through."""
    refusal = resolved.target.refusal
    if refusal is Reason.DELETED and not fits_sender(resolved.target, attempt.email.sender):
        refusal = Reason.UNKNOWN_ADDRESS  # nobody else finds out what there was
    if refusal is not None:
        raise Rejected(refusal)
    _require_project_allows(attempt, resolved, trace)
    _require_fitting_sender(attempt, resolved, trace)
    if not resolved.is_reply:
        trace.append({"step": "answered mail", "result": "forwarded, or of somebody else"})
        _hold(Reason.NOT_A_REPLY, attempt.context)
    if resolved.handler.publishes:
        _require_own_readers(attempt, resolved, trace)
    recipients = {c.address for c in attempt.email.candidates if c.header in OPEN_RECIPIENTS}
    if len(recipients) > settings.MAX_RECIPIENTS:
        _hold(Reason.TOO_MANY_RECIPIENTS, attempt.context)


def _find_reason_to_ignore(email: ParsedEmail, trace: list[Step]) -> Reason | None:
    own = bool(email.origin) and outbox.is_own(email.message_id, email.origin)
    if email.shown_from:
        whose = "a mailing list" if email.behind.is_list else "ours"
        step = {"step": "author", "result": email.sender or "not named"}
        because = f"From is {email.shown_from}, an address of {whose}"
        trace.append(step | {"header": email.behind.header, "because": because})
        # A forwarder may have taken the mark away that `is_own` reads.
        sent = OutgoingEmail.objects.filter(message_id=email.message_id)
        own = own or bool(email.message_id and sent.exists())
    if own:
        because = "X-Letterbox-Origin or Message-ID is ours"
        trace.append({"step": "kind", "result": "own mail", "because": because})
        return Reason.OWN_MAIL
    trace.append({"step": "kind", "result": email.kind.value, "because": email.kind_reason})
    return IGNORED_KINDS.get(email.kind)


def _require_unblocked(project_id: int | None, context: Context, trace: list[Step]) -> None:
    """Of a message that a person said to be no spam, a mark of another one says nothing."""
    by_spam = context.blocked_in.get(project_id)
    if by_spam is None:
        return
    if by_spam and Reason.SPAM.value in context.waived:
        result = "blocked by a ticket that is spam, which this message is not"
        trace.append({"step": "blocked senders", "result": result})
        return
    where = "everywhere" if project_id is EVERYWHERE else "for the project"
    trace.append({"step": "blocked senders", "result": f"blocked {where}"})
    raise Ignored(Reason.BLOCKED_SENDER)


def _require_no_spam(context: Context, resolved: Resolved | None, trace: list[Step]) -> None:
    """What publishes nothing, such as a delivery report, is let through."""
    if resolved is not None and not resolved.handler.publishes:
        return
    if context.spam.note:
        result = "marked" if context.spam.result else "not marked"
        trace.append({"step": "spam", "result": result, "because": context.spam.note})
    if is_spam(context, resolved):
        _hold(Reason.SPAM, context)


def is_spam(context: Context, resolved: Resolved | None) -> bool:
    """Whether the trusted server marked the message, and nothing says that it is none: neither the
    secret key of a member, nor a person who released it."""
    is_members = resolved is not None and resolved.secret and resolved.target.author is not None
    is_marked = context.spam.result is not None and not is_members
    return is_marked and Reason.SPAM.value not in context.waived


def _require_project_allows(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """What the project takes by mail, and from which members. The service desk, and leaving a
    discussion, are no project's to switch off here."""
    switch, target = resolved.handler.project_switch, resolved.target
    if not switch:
        return
    asks_proof = target.project.mail_needs_authentication
    require_project_allows(
        target.project,
        target.author,
        switch,
        fits=asks_proof and fits_sender(target, attempt.email.sender),
        context=attempt.context,
        trace=trace,
    )


def _require_fitting_sender(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """The mailbox's policy for this feature: nothing, From fits, or From fits and is proven. What
    is known of that is traced in any case."""
    email, mailbox, context = attempt.email, attempt.row.mailbox, attempt.context
    field = resolved.handler.sender_policy
    policy = getattr(mailbox, field) if field else SenderPolicy.OFF
    fits = policy == SenderPolicy.OFF or fits_sender(resolved.target, email.sender)
    found = "fits the key" if fits else "does not fit the key"
    result = "not asked for" if policy == SenderPolicy.OFF else found
    trace.append({"step": "sender", "result": result})
    if context.proof != NO_PROOF:
        result = "passed" if context.proof.passed else "not passed"
        trace.append({"step": "authentication", "result": result, "because": context.proof.because})
    if not fits and policy != SenderPolicy.FLAG:
        _hold(Reason.SENDER_MISMATCH, context)
    if policy == SenderPolicy.REQUIRE and not context.proof.passed:
        _hold(Reason.NOT_AUTHENTICATED, context)


def _require_own_readers(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """An answer to an internal note is internal in the discussion of that note alone, and what is
    about a confidential issue is confidential on that issue alone; at any other address of ours
    it would reach readers whom it was not meant for.

    All that the message names counts, also what was sent to somebody else: it may be the answer to
    a forwarded note. The common case costs no query.
    """
    email, context = attempt.email, attempt.context
    internal = context.named & context.internal
    if internal and internal != {_find_place(attempt, resolved)}:
        _await_cover(attempt, resolved, trace)
        trace.append({"step": "answered note", "result": "internal, in another discussion"})
        _hold(Reason.INTERNAL_ANSWER, context)
    target = resolved.target
    ids = (*email.answered_ids, *email.attached_ids)
    if find_confidential(ids, context.told, besides=target.item) - {target.confidential_in}:
        trace.append({"step": "answered issue", "result": "confidential, another address"})
        _hold(Reason.CONFIDENTIAL_ANSWER, context)


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


def _await_cover(attempt: Attempt, resolved: Resolved, trace: list[Step]) -> None:
    """Where a patch of a series goes, its cover letter says, which may come after it: raises
    _Delayed until then, for some minutes."""
    context, target = attempt.context, resolved.target
    is_fresh = abs(context.now - context.received) < COVER_LETTER_WAIT
    if not is_fresh or Reason.INTERNAL_ANSWER.value in context.waived or target.author is None:
        return
    if resolved.handler.name == "merge_request" and patch_mails.awaits_cover(
        attempt.email, project=target.project, author=target.author
    ):
        trace.append({"step": "series", "result": "waits for its cover letter"})
        raise _Delayed(context.now + COVER_LETTER_PAUSE)


def _hold(reason: Reason, context: Context) -> None:
    if reason.value not in context.waived:
        raise Held(reason, rule=reason.value)


def _make_effect_keys(email: ParsedEmail, resolved: Resolved) -> tuple[str, str]:
    """That of today, and that of earlier versions where it was another one, else ""."""
    message = f"{email.message_id or _content_digest(email)}\n{email.sender}\n"
    name = resolved.handler.name
    effect = resolved.target.effect or f"{name}\n{resolved.key}"
    former = f"{name}\n{resolved.spelled}"
    now = hashlib.sha256(message.encode(errors="replace"))
    before = now.copy()
    now.update(effect.encode(errors="replace"))
    before.update(former.encode(errors="replace"))
    return now.hexdigest(), "" if former == effect else before.hexdigest()


def _content_digest(email: ParsedEmail) -> str:
    """Replaces a missing Message-ID: a digest of what the person wrote, without trace headers."""
    digest = hashlib.sha256()
    for text in (email.subject, str(email.date), email.text):
        digest.update(text.encode(errors="replace") + b"\0")
    for attachment in email.attachments:
        digest.update(hashlib.sha256(attachment.content).digest())
    return digest.hexdigest()
