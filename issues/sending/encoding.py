"""The bytes of a message as a certain server takes them."""

import email
import email.policy
import re
from collections.abc import Sequence

LINE_END = re.compile(rb"\r\n|\r|\n")
MAX_LINE = 998
"""Octets that RFC 5322 section 2.1.1 allows; fields that are as they should be are not folded
anew."""


def end_lines(content: bytes) -> bytes:
    """With the line ends of SMTP."""
    return LINE_END.sub(b"\r\n", content)


def encode_7bit(content: bytes) -> bytes:
    """Parts with 8-bit bytes in base64, for a server without 8BITMIME (RFC 6152 section 3)."""
    policy = email.policy.SMTP.clone(
        cte_type="7bit", refold_source="none", max_line_length=MAX_LINE
    )
    return email.message_from_bytes(content, policy=policy).as_bytes()


def write_recipients(content: bytes, recipients: Sequence[str]) -> bytes:
    """With To in UTF-8, as a server with SMTPUTF8 takes it: Django writes an address beyond ASCII
    as an encoded word, which is another address (RFC 2047 section 5)."""
    policy = email.policy.SMTPUTF8.clone(refold_source="none", max_line_length=MAX_LINE)
    message = email.message_from_bytes(content, policy=policy)
    if "To" in message:
        message.replace_header("To", ", ".join(recipients))
    return message.as_bytes()
