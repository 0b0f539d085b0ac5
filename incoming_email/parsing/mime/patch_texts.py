"""Plain texts that hold a patch, as `git send-email` writes them, and who wrote it."""

from collections.abc import Iterable

from incoming_email.parsing.mime.author import BEHIND, VIA
from incoming_email.parsing.mime.bodies import Form, Fragment
from incoming_email.parsing.mime.contents import Contents
from incoming_email.parsing.mime.headers import Headers
from incoming_email.parsing.mime.mailboxes import Mailbox, parse_mailboxes
from incoming_email.parsing.types import PatchText

MARKS = (b"diff --git ", b"\n+++ ")


def find_patch_texts(
    fragments: Iterable[Fragment], contents: Contents, *, own: int
) -> tuple[PatchText, ...]:
    """Of the parts that are the body, the first `own` of them the sender's. A diff in HTML is no
    patch: its blanks are gone."""
    found = []
    for number, fragment in enumerate(fragments):
        content = contents.data.get(id(fragment.part), b"")
        if fragment.form is Form.PLAIN and any(mark in content for mark in MARKS):
            parameters = fragment.part.content_type.parameters
            flowed = parameters.get("format", "").lower() == "flowed"
            charset = parameters.get("charset", "")
            found.append(PatchText(content, charset, flowed, is_own=number < own))
    return tuple(found)


def find_patch_author(headers: Headers) -> str:
    """Who wrote it where a list put its own address into From, as DMARC makes lists do; else "".

    Only for the commit: what the sender may do is never asked of these fields.
    """
    names = [entry.name for entry in _read(headers, "From")]
    match = VIA.fullmatch(names[0]) if len(names) == 1 else None
    if match is None:
        return ""
    for field in BEHIND:
        entries = [entry for entry in _read(headers, field) if entry.address]
        if len(entries) == 1 and entries[0].name in {"", match["name"]}:
            return f"{match['name']} <{entries[0].address}>"
    return ""


def _read(headers: Headers, field: str) -> tuple[Mailbox, ...]:
    values = headers.unfolded(field)
    return parse_mailboxes(values[0], most=2).mailboxes if values else ()
