"""What forwarders vouch for: the Authenticated Received Chain of a message (RFC 8617)."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import dkim

from incoming_email.sender_auth.key_records import KeyRecords, NoAnswerError
from incoming_email.sender_auth.results import drop_instance, is_vouched_for
from incoming_email.sender_auth.signatures import SignatureCheck
from incoming_email.sender_auth.tags import covers_enough, read_tags
from incoming_email.sender_auth.wire import FAULTS, MAX_SIGNATURE_BYTES, SILENT, SignedMessage

MAX_SETS = 10
"""Of a chain; RFC 8617 section 4.2.1 allows 50, and each costs two signatures."""

_INSTANCE = re.compile(rb"\s*i\s*=\s*(\d{1,2})\s*;")
_SEAL, _SIGNATURE = b"arc-seal", b"arc-message-signature"
_NAMES = (_SEAL, _SIGNATURE, b"arc-authentication-results")


@dataclass(frozen=True, slots=True)
class _Set:
    """What one forwarder wrote."""

    instance: int
    sealer: str
    is_continued: bool
    """`cv=none` of the first, `cv=pass` of the others; anything else ends the chain."""

    signature: dict[bytes, bytes]
    results: str
    """As Authentication-Results."""


def check_chain(
    message: SignedMessage,
    domain: str,
    forwarders: Collection[str],
    records: KeyRecords,
    *,
    is_from: bool,
) -> SignatureCheck:
    """Whether one of the forwarders found that the sender's `domain` was authenticated, and nobody
    but forwarders had the message since. The whole chain must hold (RFC 8617 section 5.2).
    `is_from`: it is the domain of From.

    Queries the DNS, so never call it in a transaction. Never raises on input.
    """
    sets = _read_sets(message)
    if isinstance(sets, str):
        return SignatureCheck(False, sets)
    named = _take_named(sets, forwarders)
    vouching = next((s for s in named if is_vouched_for(domain, s.results, is_from=is_from)), None)
    if not named:
        note = f"sealed last by {sets[-1].sealer}, which is no trusted forwarder"
    elif vouching is None:
        note = f"{named[-1].sealer} did not authenticate the sender's domain"
    elif not covers_enough(sets[-1].signature, message.present):
        note = "the last signature covers too little"
    else:
        note = _find_broken(message, sets, records)
        if not note:
            return SignatureCheck(True, f"authenticated by {vouching.sealer}")
    return SignatureCheck(False, note)


def _read_sets(message: SignedMessage) -> list[_Set] | str:
    """The first one first; or why there is no chain that could hold: a gap, a field too many, or a
    forwarder that found the chain broken."""
    by_instance: dict[int, dict[bytes, bytes]] = {}
    for name, value in message.fields:
        if name not in _NAMES:
            continue
        match = _INSTANCE.match(value)
        found = by_instance.setdefault(int(match[1]), {}) if match else {name: value}
        if name in found or len(value) > MAX_SIGNATURE_BYTES:
            return "the chain is malformed"
        found[name] = value
    if not by_instance:
        return "no chain"
    if len(by_instance) > MAX_SETS:
        return f"the chain has more than {MAX_SETS} sets"
    sets = [_read_set(n, by_instance.get(n, {})) for n in range(1, max(by_instance) + 1)]
    whole = [each for each in sets if each is not None]
    if len(whole) < len(sets):
        return "the chain has a gap"
    ended = next((each for each in whole if not each.is_continued), None)
    return f"ended by {ended.sealer}, which found it broken" if ended else whole


def _read_set(instance: int, fields: dict[bytes, bytes]) -> _Set | None:
    if len(fields) < len(_NAMES):
        return None
    seal, signature = read_tags(fields[_SEAL]), read_tags(fields[_SIGNATURE])
    sealer = seal.get(b"d", b"").decode("ascii", "replace").lower()
    return _Set(
        instance,
        sealer,
        is_continued=seal.get(b"cv", b"").lower() == (b"none" if instance == 1 else b"pass"),
        signature=signature,
        results=drop_instance(fields[_NAMES[2]].decode("ascii", "replace")),
    )


def _take_named(sets: list[_Set], forwarders: Collection[str]) -> list[_Set]:
    """Those that only forwarders wrote after: the last ones, up to the first that is not named."""
    named: list[_Set] = []
    for each in reversed(sets):
        signer = each.signature.get(b"d", b"").decode("ascii", "replace").lower()
        if each.sealer not in forwarders or signer not in forwarders:
            break
        named.append(each)
    return named


def _find_broken(message: SignedMessage, sets: list[_Set], records: KeyRecords) -> str:
    """What does not hold, or nothing: each seal, and the message as the last one had it.

    Older signatures of the message need not hold, so the body is hashed once.
    """
    is_relaxed = not sets[-1].signature.get(b"c", b"relaxed/relaxed").endswith(b"/simple")
    try:
        whole = dkim.ARC(message.write(is_relaxed=is_relaxed), logger=SILENT)
        bare = dkim.ARC(message.header + b"\r\n\r\n", logger=SILENT)
        _last, fields = whole.sorted_arc_headers()
        checked = whole.verify_instance(fields, sets[-1].instance, dnsfunc=records.find)
        if not checked["ams-valid"]:
            return "the message was changed since it was sealed last"
        seals = [checked["as-valid"]]
        for each in sets[:-1]:
            checked = bare.verify_instance(fields, each.instance, dnsfunc=records.find)
            seals.append(checked["as-valid"])
    except NoAnswerError as error:
        return f"the DNS did not answer for {error}"
    except FAULTS:
        return "a signature of the chain is malformed"
    return "" if all(seals) else "a seal of the chain does not hold"
