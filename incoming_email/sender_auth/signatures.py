"""Our own check of the DKIM signatures of a message (RFC 6376)."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import dkim

from incoming_email.sender_auth.alignment import speaks_for
from incoming_email.sender_auth.key_records import KeyRecords, NoAnswerError
from incoming_email.sender_auth.tags import covers_enough, read_tags
from incoming_email.sender_auth.wire import FAULTS, MAX_SIGNATURE_BYTES, SILENT, SignedMessage

logger = logging.getLogger(__name__)
MAX_SIGNATURES = 5


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """The result: whether a domain that may do so signed, and the reason in words."""

    passed: bool
    note: str


@dataclass(frozen=True, slots=True)
class _Signature:
    at: int
    """Its number among the signatures of the message."""

    signer: str
    is_relaxed: bool


def check_signatures(message: SignedMessage, domain: str, records: KeyRecords) -> SignatureCheck:
    """Whether a domain that may sign for `domain` signed From, Subject, Date and the whole body.

    Queries the DNS, so never call it in a transaction. Never raises on input.
    """
    usable = [s for s in _find_signatures(message) if speaks_for(s.signer, domain)]
    if not usable:
        return SignatureCheck(False, "no usable signature of the sender's domain")
    note = "no signature of the sender's domain holds"
    for signature in usable[:MAX_SIGNATURES]:
        try:
            if _holds(message.write(is_relaxed=signature.is_relaxed), signature.at, records):
                return SignatureCheck(True, f"signed by {signature.signer}")
        except NoAnswerError:
            note = f"the DNS did not answer for a key of {signature.signer}"
    return SignatureCheck(False, note)


def _find_signatures(message: SignedMessage) -> Iterator[_Signature]:
    """Those that could prove something."""
    present = message.present
    for at, value in enumerate(message.find(b"dkim-signature")):
        if len(value) > MAX_SIGNATURE_BYTES:
            continue
        tags = read_tags(value)
        if covers_enough(tags, present):
            signer = tags.get(b"d", b"").decode("ascii", "replace").lower()
            yield _Signature(at, signer, tags.get(b"c", b"").endswith(b"/relaxed"))


def _holds(content: bytes, at: int, records: KeyRecords) -> bool:
    try:
        return bool(dkim.DKIM(content, logger=SILENT).verify(idx=at, dnsfunc=records.find))
    except FAULTS as fault:
        logger.debug("signature not valid: %s", type(fault).__name__)
        return False
