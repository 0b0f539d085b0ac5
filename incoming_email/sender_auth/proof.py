"""Whether the sender is authenticated, and by what."""

from collections.abc import Sequence
from dataclasses import dataclass

from incoming_email.sender_auth.alignment import speaks_for
from incoming_email.sender_auth.results import find_trusted, is_vouched_for
from incoming_email.sender_auth.signatures import NOT_CHECKED, SignatureCheck


@dataclass(frozen=True, slots=True)
class Proof:
    passed: bool
    because: str
    """For the trace."""


def find_proof(
    sender: str,
    results: Sequence[str],
    *,
    trusted: str,
    signatures: SignatureCheck = NOT_CHECKED,
) -> Proof:
    """The result of the `trusted` mail server decides; where it gave none, our own DKIM check."""
    if not sender:
        return Proof(False, "From names no one sender")
    domain = sender.rpartition("@")[2]
    result = find_trusted(results, trusted)
    if result is not None:
        return Proof(is_vouched_for(domain, result), f"Authentication-Results of {trusted}")
    signed = any(speaks_for(signer, domain) for signer in signatures.signers)
    return Proof(signed, f"own DKIM check: {signatures.note}")


def is_authenticated(
    sender: str,
    results: Sequence[str],
    *,
    trusted: str,
    signatures: SignatureCheck = NOT_CHECKED,
) -> bool:
    return find_proof(sender, results, trusted=trusted, signatures=signatures).passed
