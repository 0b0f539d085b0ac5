"""What authenticates the sender: the trusted server's result, else our own check. No decision."""

from incoming_email.sender_auth.proof import Proof, find_proof, is_authenticated
from incoming_email.sender_auth.signatures import NOT_CHECKED, SignatureCheck
from incoming_email.sender_auth.where_asked import check_where_asked

__all__ = [
    "NOT_CHECKED",
    "Proof",
    "SignatureCheck",
    "check_where_asked",
    "find_proof",
    "is_authenticated",
]
