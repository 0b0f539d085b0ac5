"""What authenticates the sender: the trusted server's result, else our own check; and what that
server marked as spam. No decision."""

from incoming_email.sender_auth.channel import NO_MARK, Channel
from incoming_email.sender_auth.proof import NO_PROOF, Proof, asks_for_proof, find_evidence

__all__ = [
    "NO_MARK",
    "NO_PROOF",
    "Channel",
    "Proof",
    "asks_for_proof",
    "find_evidence",
]
