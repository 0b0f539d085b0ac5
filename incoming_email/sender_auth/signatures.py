"""Our own check of the DKIM signatures of a message (RFC 6376)."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import dkim

from incoming_email.sender_auth.alignment import speaks_for
from incoming_email.sender_auth.key_records import KeyRecords, NoAnswerError

logger = logging.getLogger(__name__)
_silent = logging.getLogger(f"{__name__}.dkim")
_silent.setLevel(logging.CRITICAL + 1)

# The library takes quadratic time for some input; what it is given is short where that matters.
MAX_HEADER_BYTES = 262_144
MAX_FIELDS = 1000
MAX_SIGNATURE_BYTES = 4096
MAX_SIGNATURES = 5

_BLANKS = re.compile(rb"[\t ]+")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[\t ])")
# What the library raises for what is no signature or key; anything else is our own bug.
_FAULTS = (dkim.DKIMException, ArithmeticError, AssertionError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """The result: domains that signed, in lower case, and the reason in words."""

    signers: frozenset[str] = frozenset()
    note: str = "not looked at"


NOT_CHECKED = SignatureCheck()


@dataclass(frozen=True, slots=True)
class _Signature:
    at: int
    """Its number among the signatures of the message."""

    signer: str
    is_relaxed: bool
    """Runs of blanks in the body count as one."""


def check_signatures(content: bytes, domain: str, records: KeyRecords) -> SignatureCheck:
    """Whether a domain that may sign for `domain` signed From and the whole body.

    Queries the DNS, so never call it in a transaction. Never raises on input.
    """
    end = _HEADER_END.search(content, 0, MAX_HEADER_BYTES)
    if end is None:
        return SignatureCheck(note="the header has no end, or is too long")
    header, body = content[: end.start()], content[end.end() :]
    fields = _LINE_END.split(_FOLD.sub(b"", header))
    if len(fields) > MAX_FIELDS:
        return SignatureCheck(note="the header has too many fields")
    usable = [s for s in _find_signatures(fields) if speaks_for(s.signer, domain)]
    if not usable:
        return SignatureCheck(note="no usable signature of the sender's domain")
    note = "no signature of the sender's domain holds"
    for signature in usable[:MAX_SIGNATURES]:
        # To the library a run of blanks costs quadratic time, and one blank is the same to it.
        shown = _BLANKS.sub(b" ", body) if signature.is_relaxed else body
        try:
            if _holds(header + b"\r\n\r\n" + shown, signature.at, records):
                found = frozenset({signature.signer})
                return SignatureCheck(found, f"signed by {signature.signer}")
        except NoAnswerError:
            note = f"the DNS did not answer for a key of {signature.signer}"
    return SignatureCheck(note=note)


def _find_signatures(fields: list[bytes]) -> Iterator[_Signature]:
    """Those that could prove something: From signed, and no `l=`, which lets others add text."""
    named = (line.partition(b":") for line in fields)
    values = [value for name, _, value in named if name.lower() == b"dkim-signature"]
    for at, value in enumerate(values):
        if len(value) > MAX_SIGNATURE_BYTES:
            continue
        pairs = (spec.partition(b"=") for spec in value.split(b";"))
        tags = {name.strip(): b"".join(text.split()) for name, _, text in pairs}
        signs_from = b"from" in tags.get(b"h", b"").lower().split(b":")
        if signs_from and b"l" not in tags and tags.get(b"a") == b"rsa-sha256":
            signer = tags.get(b"d", b"").decode("ascii", "replace").lower()
            yield _Signature(at, signer, tags.get(b"c", b"").endswith(b"/relaxed"))


def _holds(message: bytes, at: int, records: KeyRecords) -> bool:
    try:
        return bool(dkim.DKIM(message, logger=_silent).verify(idx=at, dnsfunc=records.find))
    except _FAULTS as fault:
        logger.debug("signature not valid: %s", type(fault).__name__)
        return False
