"""Files of a comment in mail to customers: attached while they are small, else as signed links."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings

from issues.models import Note, Upload
from servicedesk.links import file_url

TARGET = re.compile(r"\]\(/uploads/(?P<secret>[0-9a-f]{32})/[^()\s]{1,1000}\)")
"""The end of a link to a file; where it begins is looked for from here, as few brackets are one."""

MAX_NAME = 1000
"""Characters between its brackets."""


@dataclass(frozen=True, slots=True)
class Attached:
    text: str
    """Of the comment, with links to files that customers can open."""

    upload_ids: Sequence[int]


def attach(note: Note) -> Attached:
    """All files attached when together they have at most DESK_ATTACHED_BYTES, else all linked."""
    files = list(note.uploads.order_by("pk"))
    together = sum(file.size for file in files)
    if together <= settings.DESK_ATTACHED_BYTES:
        return Attached(_name_files(note.body, files), [file.pk for file in files])
    return Attached(_link_files(note.body, files), ())


def _name_files(text: str, files: Sequence[Upload]) -> str:
    secrets = {file.secret for file in files}
    return replace_links(text, lambda name, secret: name if secret in secrets else None)


def _link_files(text: str, files: Sequence[Upload]) -> str:
    ids = {file.secret: file.pk for file in files}
    return replace_links(
        text, lambda name, secret: f"[{name}]({file_url(ids[secret])})" if secret in ids else None
    )


def replace_links(text: str, replace: Callable[[str, str], str | None]) -> str:
    """`replace` is given the name and the secret of each link or picture of a file of ours; None
    leaves it. Linear, whatever brackets there are."""
    pieces, done = [], 0
    for target in TARGET.finditer(text):
        opening = _find_opening(text, target.start(), done)
        if opening is None:
            continue
        new = replace(text[opening + 1 : target.start()], target["secret"])
        if new is not None:
            start = opening - (opening > done and text[opening - 1] == "!")
            pieces += [text[done:start], new]
            done = target.end()
    return "".join([*pieces, text[done:]])


def _find_opening(text: str, closing: int, start: int) -> int | None:
    """Where the bracket is that the one at `closing` closes; None where that is none."""
    if _is_escaped(text, closing, start):
        return None
    for at in range(closing - 1, max(start, closing - MAX_NAME) - 1, -1):
        if text[at] in "[]" and not _is_escaped(text, at, start):
            return at if text[at] == "[" else None
    return None


def _is_escaped(text: str, at: int, start: int) -> bool:
    """By an odd number of backslashes before it."""
    first = at
    while first > start and text[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 1
