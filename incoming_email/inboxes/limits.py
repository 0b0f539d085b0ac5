"""What is read of a message that is too large to be taken in: its header, and not all of that."""

import re

HEADER_BYTES = 262_144
"""So much of it at most; a header may be the very thing that is huge."""

HEADER_END = re.compile(rb"\r?\n\r?\n")


def cut_header(start: bytes) -> bytes:
    """The header block with the empty line behind it, out of the first bytes of a message."""
    match = HEADER_END.search(start[:HEADER_BYTES])
    return start[: match.end()] if match else start[:HEADER_BYTES]
