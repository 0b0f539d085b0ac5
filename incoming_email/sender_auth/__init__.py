"""What authenticates the sender: the trusted server's result, else our own check. No decision."""

from incoming_email.sender_auth.proof import NO_PROOF, Proof, asks_for_proof, find_proofs

__all__ = ["NO_PROOF", "Proof", "asks_for_proof", "find_proofs"]
