"""Files of a comment in mail to customers: attached while they are small, else as signed links."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from issues.models import Note, Upload
from servicedesk.links import file_url

LINK = re.compile(
    r"(?P<mark>!?)\[(?P<name>(?:[^\[\]\\]|\\.){0,500})\]\(/uploads/(?P<secret>[0-9a-f]{32})/[^()\s]{1,1000}\)"
)


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

    def name(match: re.Match[str]) -> str:
        return match["name"] if match["secret"] in secrets else match[0]

    return LINK.sub(name, text)


def _link_files(text: str, files: Sequence[Upload]) -> str:
    ids = {file.secret: file.pk for file in files}

    def link(match: re.Match[str]) -> str:
        if match["secret"] not in ids:
            return match[0]
        return f"[{match['name']}]({file_url(ids[match['secret']])})"

    return LINK.sub(link, text)
