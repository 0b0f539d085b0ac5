"""Files of a comment in mail to customers: attached while they are small, else as signed links."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q

from issues.models import Issue, Note, Upload
from issues.outbox import content_id
from issues.uploads import address_of, escape_name, inline_types
from servicedesk.links import file_url

_FILE = r"(?P<site>https?://[^()\s<>]{1,200}?)?/uploads/(?P<secret>[0-9a-f]{32})/"
TARGET = re.compile(rf"\]\({_FILE}[^()\s]{{1,1000}}\)")
"""The end of a link to a file; where it begins is looked for from here, as few brackets are one."""

BARE = re.compile(rf"(?<![\w/])<?(?=https?://){_FILE}[^()\s<>\"'`]{{1,1000}}>?")
"""An address of a file, as it is copied from a page."""

MAX_NAME = 1000
"""Characters between its brackets."""

MAX_NAMED = 100
"""Files of other notes that one comment names."""

Replace = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Attached:
    text: str
    """Of the comment, with links to files that customers can open."""

    shown: str
    """The same for HTML: pictures stand in it where the comment shows them."""

    upload_ids: Sequence[int]
    pictures: Mapping[str, str] = field(default_factory=dict)
    """By secret, the address in the mail of each picture that `shown` may show."""


def attach(note: Note) -> Attached:
    """All files attached when together they have at most DESK_ATTACHED_BYTES, else all linked."""
    own = list(note.uploads.order_by("pk"))
    files = {file.secret: file for file in [*own, *_find_named(note, own)]}
    if sum(file.size for file in files.values()) > settings.DESK_ATTACHED_BYTES:
        text = _link_files(note.body, files)
        return Attached(text, text, ())
    pictures = {
        secret: f"cid:{content_id(file.pk)}"
        for secret, file in files.items()
        if file.content_type.lower() in inline_types
    }
    return Attached(
        _name_files(note.body, files),
        _name_files(note.body, files, pictures),
        [file.pk for file in files.values()],
        pictures,
    )


def link_own_files(text: str, issue: Issue) -> str:
    """Of what the requester wrote: links to the files that came with it."""
    if "/uploads/" not in text:
        return text
    return _link_files(text, {file.secret: file for file in issue.uploads.all()})


def _find_named(note: Note, own: Sequence[Upload]) -> list[Upload]:
    """Files of the same ticket that the comment names and that came with another note.

    Those of an internal note as well: only members who read it know the address, and whoever writes
    it into a public comment hands the file on. What external participants write names nothing.
    """
    known = {file.secret for file in own}
    named = [secret for secret in dict.fromkeys(_find_secrets(note.body)) if secret not in known]
    if not named or note.external_author or note.author is None:
        return []
    hanging = Q(issue=note.issue_id) | Q(note__issue=note.issue_id)
    rows = Upload.objects.filter(hanging, secret__in=named[:MAX_NAMED]).select_related("note")
    files = list(rows.order_by("pk"))
    inside = [file for file in files if file.note is not None and file.note.internal]
    if inside and not note.author.has_perm("issues.read_internal", note.item.project):
        return [file for file in files if file not in inside]
    return files


def _find_secrets(text: str) -> Iterator[str]:
    for pattern in (TARGET, BARE):
        yield from (found["secret"] for found in pattern.finditer(text) if _is_ours(found))


def _is_ours(file: re.Match[str]) -> bool:
    return file["site"] in {None, settings.BASE_URL}


def _name_files(
    text: str, files: Mapping[str, Upload], pictures: Mapping[str, str] | None = None
) -> str:
    """Names in place of links; a picture among `pictures` stays where the text shows it."""

    def name(words: str, secret: str) -> str | None:
        return words if secret in files else None

    def show(words: str, secret: str) -> str | None:
        if pictures is None or secret not in pictures:
            return name(words, secret)
        return f"![{words}]({address_of(secret, files[secret].filename)})"

    return _replace_bare(replace_links(text, name, show), files, name)


def _link_files(text: str, files: Mapping[str, Upload]) -> str:
    def link(words: str, secret: str) -> str | None:
        return f"[{words}]({file_url(files[secret].pk)})" if secret in files else None

    return _replace_bare(replace_links(text, link), files, link)


def _replace_bare(text: str, files: Mapping[str, Upload], replace: Replace) -> str:
    def put(found: re.Match[str]) -> str:
        file = files.get(found["secret"]) if _is_ours(found) else None
        new = replace(escape_name(file.filename), file.secret) if file else None
        return found[0] if new is None else new

    return BARE.sub(put, text)


def replace_links(text: str, replace: Replace, replace_picture: Replace | None = None) -> str:
    """`replace` is given the name and the secret of each link or picture of a file of ours; None
    leaves it. `replace_picture`, if given, is asked of pictures instead. Linear, whatever brackets
    there are."""
    pieces, done = [], 0
    for target in TARGET.finditer(text):
        opening = _find_opening(text, target.start(), done) if _is_ours(target) else None
        if opening is None:
            continue
        is_picture = opening > done and text[opening - 1] == "!"
        ask = replace_picture if is_picture and replace_picture else replace
        new = ask(text[opening + 1 : target.start()], target["secret"])
        if new is not None:
            pieces += [text[done : opening - is_picture], new]
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
