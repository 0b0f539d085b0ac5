"""Tag lists of signatures and keys (RFC 6376 section 3.2), and what a signature has to cover."""

from collections import Counter
from collections.abc import Mapping

COVERED = (b"from", b"subject", b"date")
"""What people go by. Each time that the message has one of these it must be signed: who adds a
second Subject on top would else have it read as signed (RFC 6376 section 8.15)."""


def read_tags(text: bytes) -> dict[bytes, bytes]:
    """Values without white space. Of a tag that comes twice the last counts; dkimpy refuses that
    list."""
    pairs = (spec.partition(b"=") for spec in text.split(b";"))
    return {name.strip(): b"".join(value.split()) for name, _, value in pairs}


def covers_enough(tags: Mapping[bytes, bytes], present: Counter[bytes]) -> bool:
    """Whether the signature is by RSA with SHA-256 and holds From, Subject, Date and the whole
    body. `present`: names of the message's fields, in lower case, with how often they come.

    With `l=` others may add text, and SHA-1 counts no more (RFC 8301 section 3.1).
    """
    signed = Counter(tags.get(b"h", b"").lower().split(b":"))
    is_whole = all(signed[name] >= max(present[name], name == b"from") for name in COVERED)
    return is_whole and b"l" not in tags and tags.get(b"a") == b"rsa-sha256"


def is_for_mail(record: bytes) -> bool:
    """Whether a key may sign mail by SHA-256 (RFC 6376 section 3.6.1: `h=`, `s=`), and its domain
    is not only testing (`t=y`), which is to be taken like unsigned."""
    tags = read_tags(record)
    hashes, services = tags.get(b"h", b"sha256"), tags.get(b"s", b"*")
    return (
        b"sha256" in hashes.lower().split(b":")
        and bool({b"*", b"email"} & {*services.lower().split(b":")})
        and b"y" not in tags.get(b"t", b"").lower().split(b":")
    )
