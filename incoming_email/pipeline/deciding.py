"""What is to be done with a message: ignore it, turn it down, hold it, or let a handler act."""

import hashlib
from collections.abc import Collection

from django.conf import settings

from incoming_email.handlers.base import Context
from incoming_email.keys import probe_keys
from incoming_email.limits.blocking import EVERYWHERE
from incoming_email.models import Mailbox, SenderPolicy
from incoming_email.outcomes import Held, Ignored, Reason, Rejected
from incoming_email.parsing.addresses import AddressTemplate
from incoming_email.parsing.types import Kind, ParsedEmail
from incoming_email.pipeline.isolation.reading import UNREAD
from incoming_email.pipeline.resolving import Resolved, Step, find_taker, fits_sender, resolve
from incoming_email.sender_auth import find_proof
from issues import outbox

IGNORED_KINDS = {
    Kind.AUTOMATIC: Reason.AUTOMATIC,
    Kind.BOUNCE: Reason.BOUNCE,
    Kind.RECEIPT: Reason.RECEIPT,
}
OPEN_RECIPIENTS = {"To", "Cc"}


def find_target(
    email: ParsedEmail, *, mailbox: Mailbox, context: Context, trace: list[Step]
) -> Resolved:
    """The handler and its target; raises Ignored, or Rejected where nothing resolves."""
    probe = probe_keys.find_number(email, mailbox.template)
    if probe is not None:
        trace.append({"step": "probe", "result": str(probe)})
        raise Ignored(Reason.PROBE)
    reason = _find_reason_to_ignore(email, mailbox.template, trace)
    if reason is not None:
        taker = find_taker(email, mailbox.template, context, reason, trace)
        if taker is None:
            raise Ignored(reason)
        return taker
    _require_unblocked(EVERYWHERE, context, trace)
    if UNREAD in email.defects:
        trace.append({"step": "reading", "result": "ended", "because": email.defects[-1]})
        raise Rejected(Reason.TOO_COMPLEX)
    resolved = resolve(email, mailbox.template, context, trace)
    _require_unblocked(resolved.target.project.pk, context, trace)
    return resolved


def require_allowed(
    email: ParsedEmail,
    resolved: Resolved,
    *,
    mailbox: Mailbox,
    context: Context,
    waived: Collection[str],
    trace: list[Step],
) -> None:
    """Raises Rejected or Held where the target or a policy does not let the message through."""
    if resolved.target.refusal is not None:
        raise Rejected(resolved.target.refusal)
    _require_fitting_sender(
        email, resolved, mailbox=mailbox, context=context, waived=waived, trace=trace
    )
    recipients = {c.address for c in email.candidates if c.header in OPEN_RECIPIENTS}
    if len(recipients) > settings.MAX_RECIPIENTS:
        _hold(Reason.TOO_MANY_RECIPIENTS, waived)


def _find_reason_to_ignore(
    email: ParsedEmail, template: AddressTemplate, trace: list[Step]
) -> Reason | None:
    own = outbox.is_own(email.message_id, email.origin)
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


def _require_fitting_sender(
    email: ParsedEmail,
    resolved: Resolved,
    *,
    mailbox: Mailbox,
    context: Context,
    waived: Collection[str],
    trace: list[Step],
) -> None:
    """The mailbox's policy for this feature: nothing, From fits, or From fits and is proven."""
    field = resolved.handler.sender_policy
    policy = getattr(mailbox, field) if field else SenderPolicy.OFF
    if policy == SenderPolicy.OFF:
        trace.append({"step": "sender", "result": "not asked for"})
        return
    fits = fits_sender(resolved.target, email.sender)
    trace.append({"step": "sender", "result": "fits the key" if fits else "does not fit the key"})
    if not fits and policy != SenderPolicy.FLAG:
        _hold(Reason.SENDER_MISMATCH, waived)
    if policy == SenderPolicy.MATCH:
        return
    results, trusted = email.authentication_results, mailbox.trusted_authserv_id
    proof = find_proof(email.sender, results, trusted=trusted, signatures=context.signatures)
    result = "passed" if proof.passed else "not passed"
    trace.append({"step": "authentication", "result": result, "because": proof.because})
    if not proof.passed and policy != SenderPolicy.FLAG:
        _hold(Reason.NOT_AUTHENTICATED, waived)


def _hold(reason: Reason, waived: Collection[str]) -> None:
    if reason.value not in waived:
        raise Held(reason, rule=reason.value)


def effect_key(email: ParsedEmail, resolved: Resolved) -> str:
    """The same for every copy of a message that would do the same: it may act once."""
    parts = (email.message_id or _content_digest(email), email.sender)
    named = "\n".join([*parts, resolved.handler.name, resolved.key])
    return hashlib.sha256(named.encode(errors="replace")).hexdigest()


def _content_digest(email: ParsedEmail) -> str:
    """Stands for a missing Message-ID: what the person wrote, without the marks of its way."""
    digest = hashlib.sha256()
    for text in (email.subject, str(email.date), email.text):
        digest.update(text.encode(errors="replace") + b"\0")
    for attachment in email.attachments:
        digest.update(hashlib.sha256(attachment.content).digest())
    return digest.hexdigest()
