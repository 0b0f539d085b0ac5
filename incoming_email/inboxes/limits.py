"""How much is read of a message that exceeds the limit: its header, up to a limit of its own."""

import re

HEADER_BYTES = 262_144
"""Maximum size of the header in bytes; the header itself may be what is huge."""

HEADER_END = re.compile(rb"\r?\n\r?\n")


def cut_header(start: bytes) -> bytes:
    """The header with the empty line behind it, out of the first bytes of a message.

    At most HEADER_BYTES; so much, too, where no empty line is found.
    """
    match = HEADER_END.search(start[:HEADER_BYTES])
    return start[: match.end()] if match else start[:HEADER_BYTES]
