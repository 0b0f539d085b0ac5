"""Which handler and target a message is for: every candidate is tried until one resolves."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from operator import attrgetter

from allauth.account.models import EmailAddress
from django.conf import settings

from incoming_email.handlers import registry
from incoming_email.handlers.base import Context, Handler, Target
from incoming_email.keys.answered import (
    Told,
    find_internal,
    find_keys_named,
    find_told,
)
from incoming_email.keys.own_addresses import find_forwarded
from incoming_email.models import Purpose, ReplyKey
from incoming_email.outcomes import Reason, Rejected
from incoming_email.parsing.addresses import (
    AddressTemplate,
    find_reply_keys,
    redact_address,
    redact_key,
)
from incoming_email.parsing.types import Candidate, ParsedEmail
from incoming_email.pipeline.attempts import Step
from issues.mail_addresses import canonical_address, find_spellings, lower_ascii
from issues.quick_actions import Answered

Matches = Sequence[tuple[Handler, re.Match[str]]]
"""The handlers that a key may be for, with its parts."""


@dataclass(frozen=True, slots=True)
class Resolved:
    handler: Handler
    target: Target
    key: str
    """In its canonical form: without the slug."""

    spelled: str
    """As it stands in the address."""

    secret: str = ""
    """The part of the key that gives identity: a token or a reply key; empty where none does."""

    is_reply: bool = True
    """False where ids of ours alone named the target, and the message is no reply to them."""

    @property
    def is_off(self) -> bool:
        """It takes no mail now, and says nothing about who writes: another address may."""
        return self.target.refusal is not None and not self.secret


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up at once for a group of messages."""

    reply_keys: Mapping[str, ReplyKey]
    keys: Mapping[str, str]
    """By address, the key in it; of one at another domain, the key that it is resolved by."""

    forwarded: Mapping[str, str]
    """Those at other domains."""

    told: Mapping[str, Told]
    """By Message-ID and by address, what those of ours stand for."""

    internal: Set[Answered]
    named: Sequence[Set[Answered]]
    """By message."""


def look_up(emails: Sequence[ParsedEmail], template: AddressTemplate) -> Known:
    """What the messages name. Addresses that are none of the mailbox are asked about once, and
    which discussions are internal only where a message might be written in another than it names.
    """
    keys: dict[str, str] = {}
    ids, foreign = set[str](), set[str]()
    for email in emails:
        ids.update(email.answered_ids, email.attached_ids)
        for candidate in email.candidates:
            address = candidate.address
            key = template.find_key(address)
            if key is not None:
                keys[address] = key
            elif not template.matches(address):
                foreign.add(address)
    forwarded = find_forwarded(foreign) if foreign else {}
    keys |= forwarded
    rows = find_keys_named([*keys.values(), *find_reply_keys(ids, settings.MESSAGE_ID_HOST)])
    told = find_told(ids, keys, rows)
    doubtful, named_by = set[Answered](), list[set[Answered]]()
    for email in emails:
        addresses = set(map(attrgetter("address"), email.candidates))
        names = {*email.answered_ids, *email.attached_ids, *addresses} & told.keys()
        places = {told[name].place for name in names}
        named_by.append(places)
        # Not in doubt where each address of ours and each id names the same, as in most replies.
        ours = addresses & keys.keys()
        if not (len(places) == 1 and ours and ours <= told.keys()):
            doubtful |= places
    internal = find_internal(doubtful) if doubtful else frozenset[Answered]()
    return Known(rows, keys, forwarded, told, internal, named_by)


def find_matches(key: str, purpose: str) -> Matches:
    """Handlers whose pattern matches the whole key, in order, of those that a mailbox of this
    purpose asks. Several may share one pattern: then the first that can resolve the key has it."""
    asked = registry.handlers()
    if purpose != Purpose.SERVICE_DESK_EMAIL:
        asked = asked[: len(settings.INCOMING_EMAIL_HANDLERS)]
    return [(each, match) for each in asked if (match := each.pattern.fullmatch(key))]


def canonical_key(key: str, matches: Matches) -> str:
    """The same for all spellings of a key: without the slug, which is decoration and stands before
    the first group of its pattern. A key that no pattern matches stays as it is."""
    parts = matches[0][1] if matches else None
    return key[max(0, parts.start(1)) :] if parts and parts.re.groups else key


def resolve(
    email: ParsedEmail, template: AddressTemplate, context: Context, trace: list[Step]
) -> Resolved:
    """The first candidate that resolves wins; an unknown key does not end the search.

    Adds a step a candidate to `trace`. Raises Rejected when nothing resolves. A mailbox without
    keys looks for replies first: whoever replies may well write to a forwarding address too.
    """
    if not template.has_key and (found := _find_in_references(email, context, trace)):
        return _mark_reply(found, email, template)
    seen: set[str] = set()
    off: Resolved | None = None
    for candidate in _order_candidates(email, context):
        header, address = candidate.header, candidate.address
        is_foreign = address in context.forwarded
        shown = _cut_key(address) if is_foreign else redact_address(address, [template])
        step = {"step": "address", "header": header, "address": shown}
        spelled = context.keys.get(address)
        if spelled is None:
            trace.append(step | {"result": "not ours"})
            continue
        key = canonical_key(spelled, find_matches(spelled, context.purpose))
        if key in seen:
            trace.append(step | {"key": redact_key(key), "result": "tried before"})
        else:
            seen.add(key)
            found, result = _try_key(spelled, context)
            trace.append(step | {"key": redact_key(key), "result": result})
            if found and found.is_off:
                off = off or found
            elif found:
                has_identity = found.target.author is not None or found.target.external_author
                return found if has_identity else _prefer_own_key(found, email, context, trace)
    if template.has_key and (found := _find_in_references(email, context, trace)):
        return _mark_reply(found, email, template)
    raise Rejected(_find_why_nowhere(template, off))


def _find_why_nowhere(template: AddressTemplate, off: Resolved | None) -> Reason:
    refusal = Reason.UNKNOWN_ADDRESS if template.has_key else Reason.REPLIES_ONLY
    return (off.target.refusal if off is not None else None) or refusal


def find_override(
    email: ParsedEmail, context: Context, reason: Reason, trace: list[Step]
) -> Resolved | None:
    """The handler that overrides ignoring for this reason, if the message is for one."""
    keys = [context.keys.get(each.address) for each in _order_candidates(email, context)]
    for key in dict.fromkeys(filter(None, keys)):
        found, result = _try_key(key, context, overriding=reason)
        if found:
            trace.append({"step": "address", "key": redact_key(key), "result": result})
            return found
    return None


def find_handlers(email: ParsedEmail, context: Context) -> Iterable[Handler]:
    """Those that any of the message's keys could be for, in addresses and in ids."""
    in_addresses = {context.keys.get(each.address) for each in email.candidates} - {None}
    in_ids = find_reply_keys(email.answered_ids, settings.MESSAGE_ID_HOST)
    for key in filter(None, in_addresses.union(in_ids)):
        yield from (handler for handler, _match in find_matches(key, context.purpose))


def _order_candidates(email: ParsedEmail, context: Context) -> Sequence[Candidate]:
    """What a person wrote to at another domain goes first where it has a key in it: the address
    that it forwards to names the project alone."""
    if not context.forwarded:
        return email.candidates
    return sorted(email.candidates, key=lambda each: not _is_personal(each, context))


def _is_personal(candidate: Candidate, context: Context) -> bool:
    key = context.forwarded.get(candidate.address)
    if key is None or candidate.header == "Cc":
        return False
    return any(handler.secret_key for handler, _match in find_matches(key, context.purpose))


def _cut_key(address: str) -> str:
    """Of an address at another domain, without the key in it."""
    local, _at, domain = address.rpartition("@")
    bare, plus, detail = local.partition("+")
    return f"{bare}+{redact_key(detail)}@{domain}" if plus else address


def _try_key(
    key: str, context: Context, *, overriding: Reason | None = None
) -> tuple[Resolved | None, str]:
    """`overriding`: only by a handler that overrides ignoring for this reason."""
    matches = find_matches(key, context.purpose)
    if not matches:
        return None, "no feature has keys of this form"
    for handler, groups in matches:
        if overriding is not None and overriding not in handler.overrides_ignore:
            continue
        target = handler.resolve(groups, context)
        if target is not None:
            named = groups.groupdict()
            secret = named.get("token") or named.get("reply_key") or ""
            resolved = Resolved(handler, target, canonical_key(key, matches), key, secret)
            result = "switched off" if resolved.is_off else "found"
            return resolved, f"{handler.name}: {result}"
    return None, f"{matches[0][0].name}: the key leads nowhere"


def _find_in_references(email: ParsedEmail, context: Context, trace: list[Step]) -> Resolved | None:
    """The first of our own ids whose key belongs to the sender.

    An id is no secret of the recipient alone: whoever was sent the thread knows it. So here, in
    contrast to an address, From decides even where the mailbox asks for no match.
    """
    for key in dict.fromkeys(find_reply_keys(email.answered_ids, settings.MESSAGE_ID_HOST)):
        found, result = _try_key(key, context)
        fits = found is not None and fits_sender(found.target, email.sender)
        if found and not fits:
            result = f"{found.handler.name}: the key is not the sender's"
        trace.append({"step": "reference", "key": redact_key(key), "result": result})
        if found and fits:
            return found
    return None


def _prefer_own_key(
    found: Resolved, email: ParsedEmail, context: Context, trace: list[Step]
) -> Resolved:
    """An address without an identity yields to the sender's own key in the ids of a reply.

    So who replies to all, with such an address in Cc, is recognised.
    """
    own = _find_in_references(email, context, trace)
    if own is None or own.target.project != found.target.project:
        return found
    if own.target.refusal is Reason.DELETED:
        return found  # it goes on in a new one
    if not _is_reply(email, own):
        trace.append({"step": "reference", "result": "not a reply to it"})
        return found
    return own


def _mark_reply(found: Resolved, email: ParsedEmail, template: AddressTemplate) -> Resolved:
    """Without a key in any address: the mailbox's own address is the one that replies go to."""
    to_us = any(template.matches(candidate.address) for candidate in email.candidates)
    is_reply = _is_reply(email, found) or (to_us and not email.is_forward)
    return replace(found, is_reply=is_reply)


def _is_reply(email: ParsedEmail, found: Resolved) -> bool:
    """Whether it is for the discussion of a key that its ids name: not a forward of that, nor an
    answer to what others wrote about a forward.

    The id that it answers may be one that a relay gave our mail, as Amazon SES does; the next is
    ours then.
    """
    if any(found.key in candidate.address for candidate in email.candidates):
        return True
    nearest = list(dict.fromkeys(email.answered_ids))[:2]
    host = f"@{lower_ascii(settings.MESSAGE_ID_HOST)}"
    return not email.is_forward and any(lower_ascii(each).endswith(host) for each in nearest)


def fits_sender(target: Target, sender: str) -> bool:
    """Whether From is an address of the person whom the key belongs to: of one with an account, a
    verified one."""
    if target.external_author:
        return canonical_address(target.external_author) == canonical_address(sender)
    if target.author is None or not sender:
        return False
    known: Iterable[EmailAddress] | None = getattr(target.author, "verified_addresses", None)
    if known is None:
        own = EmailAddress.objects.filter(user=target.author, verified=True)
        known = own.filter(email__in=find_spellings(sender))
    return canonical_address(sender) in {canonical_address(each.email) for each in known}
