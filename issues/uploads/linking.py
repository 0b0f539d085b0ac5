"""The files of a text: which are kept, and where the text links to them.

Left out is what passes a limit, comes twice, or is a logo that hangs there already.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import unquote

from django.conf import settings
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from issues.models import Issue, MergeRequest, Note, Upload, User
from issues.pictures import remove_metadata
from issues.uploads.files import NewFile, address_of, inline_types

_ID = r"cid:(?P<{}>[^\s()<>\[\]\"']{{1,998}})"
_REFERENCE = re.compile(
    rf"\[{_ID.format('bracketed')}\](?!\()"  # Outlook's text part: "[cid:image001.png@01DA]"
    rf"|\b{_ID.format('address')}"
    r"|\\?\[image: (?P<name>[^\n\[\]]{1,255}?)\\?\](?!\()"  # Gmail's text part
)


class Limit(Enum):
    """What a file that is left out would exceed: a setting each."""

    FILE = "MAX_UPLOAD_BYTES"
    COUNT = "MAX_ATTACHMENTS"
    TOGETHER = "MAX_ATTACHMENT_BYTES"

    @property
    def most(self) -> int:
        return int(getattr(settings, self.value))


@dataclass(frozen=True, slots=True)
class Shown:
    """What the text shows for a file: itself, its twin, or the same bytes uploaded before."""

    name: str
    address: str
    is_picture: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    files: tuple[NewFile, ...] = ()
    """All that came, in order."""

    kept: tuple[NewFile, ...] = ()
    """To be stored: no bytes twice, and pictures without their metadata."""

    shown: Mapping[str, Shown] = field(default_factory=dict)
    """By `source`. A file without is left out, or a small picture that nobody needs again."""

    left_out: tuple[tuple[Limit, NewFile], ...] = ()
    uncleaned: tuple[NewFile, ...] = ()
    """Pictures that are kept with their metadata, because they could not be read."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the files will hang, and whose they are."""

    item: Issue | MergeRequest
    author: User | None
    external_author: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """The same bytes, which hang on the item already."""

    shown: Shown
    is_own: bool
    """Uploaded by the same person."""


def choose_files(files: Sequence[NewFile], destination: Destination | None = None) -> Chosen:
    """One query where pictures of the text come to an item (`destination`), else none."""
    if not files:
        return Chosen()
    groups: dict[str, list[NewFile]] = {}
    for file in files:
        groups.setdefault(file.digest, []).append(file)
    known = _find_known(groups, destination) if destination else {}
    kept: list[NewFile] = []
    left_out: list[tuple[Limit, NewFile]] = []
    shown: dict[str, Shown] = {}
    for digest, twins in groups.items():
        first, before = twins[0], known.get(digest)
        if all(_is_repeat(twin, before) for twin in twins):
            shown |= {twin.source: before.shown for twin in twins} if before else {}
        elif limit := _find_exceeded(first, kept):
            left_out.append((limit, first))
        else:
            kept.append(first)
            shown |= {twin.source: _show(twin, first.address) for twin in twins}
    cleaned, uncleaned = _clean(kept)
    return Chosen(tuple(files), cleaned, shown, tuple(left_out), uncleaned)


def _show(file: NewFile, address: str) -> Shown:
    return Shown(file.name, address, file.type in inline_types)


def _is_repeat(file: NewFile, before: _Known | None) -> bool:
    """A logo that the person sent before, or a picture of nothing but the part that was cut."""
    if not file.is_inline_picture:
        return False
    is_small = len(file.content) <= int(settings.MAX_SIGNATURE_IMAGE_BYTES)
    if file.is_old:
        return is_small or before is not None
    return is_small and before is not None and before.is_own


def _find_exceeded(file: NewFile, kept: Sequence[NewFile]) -> Limit | None:
    if len(file.content) > Limit.FILE.most:
        return Limit.FILE
    if len(kept) >= Limit.COUNT.most:
        return Limit.COUNT
    together = sum(len(each.content) for each in kept) + len(file.content)
    return Limit.TOGETHER if together > Limit.TOGETHER.most else None


def _clean(files: Iterable[NewFile]) -> tuple[tuple[NewFile, ...], tuple[NewFile, ...]]:
    """The files without metadata, and those of them that still have it."""
    cleaned: list[NewFile] = []
    uncleaned: list[NewFile] = []
    for file in files:
        content = remove_metadata(file.content)
        cleaned.append(replace(file, content=file.content if content is None else content))
        if content is None:
            uncleaned.append(file)
    return tuple(cleaned), tuple(uncleaned)


def _find_known(
    groups: Mapping[str, Sequence[NewFile]], destination: Destination
) -> dict[str, _Known]:
    """What hangs on the item already, by digest; only what its readers may see as well."""
    digests = [
        digest for digest, twins in groups.items() if any(twin.is_inline_picture for twin in twins)
    ]
    if not digests:
        return {}
    item = destination.item
    hanging = Q(**{item.COLUMN: item}) | Q(**{f"note__{item.COLUMN}": item})
    uploads = Upload.objects.select_related("issue", "note").filter(hanging, digest__in=digests)
    if not destination.internal:
        uploads = uploads.filter(Q(note=None) | Q(note__internal=False))
    known: dict[str, _Known] = {}
    for upload in uploads.order_by("pk"):
        address = address_of(upload.secret, upload.filename)
        shown = Shown(upload.filename, address, upload.content_type.lower() in inline_types)
        before = known.get(upload.digest)
        is_own = _is_own(upload, destination)
        if before is None or (is_own and not before.is_own):
            known[upload.digest] = _Known(shown, is_own)
    return known


def _is_own(upload: Upload, destination: Destination) -> bool:
    if destination.author is not None:
        return upload.uploader_id == destination.author.pk
    owner: Issue | Note | None = upload.note or upload.issue
    return owner is not None and owner.external_author == destination.external_author != ""


def find_references(text: str) -> frozenset[str]:
    """The ids of the files that `text` refers to by `cid:`."""
    return frozenset(filter(None, map(_find_id, _REFERENCE.finditer(text))))


def _find_id(reference: re.Match[str]) -> str:
    return _plain_id(reference["bracketed"] or reference["address"] or "")


def _plain_id(content_id: str) -> str:
    return unquote(content_id).strip("<>").lower()


def insert_links(body: str, chosen: Chosen, *, with_remarks: bool = True) -> str:
    """The body with links to the files in it and below it, and our remarks on those left out."""
    if not chosen.files:
        return body
    linked: set[str] = set()
    by_id = {_plain_id(file.content_id): file for file in chosen.files if file.content_id}
    by_name = _find_named(chosen, find_references(body))

    def put(reference: re.Match[str]) -> str:
        name, file = reference["name"], by_id.get(_find_id(reference))
        if name:  # of several pictures with one name the next is meant
            shown = by_name[name].pop(0) if by_name.get(name) else None
        else:
            shown = chosen.shown.get(file.source) if file else None
        if shown is None:
            return reference[0]
        linked.add(shown.address)
        return shown.address if reference["address"] else _link(shown)

    body = _REFERENCE.sub(put, body)
    ends = [*_list_rest(chosen, linked), *(find_remarks(chosen) if with_remarks else ())]
    return "\n\n".join([*([body.rstrip()] if body.strip() else []), *ends]) if ends else body


def _find_named(chosen: Chosen, by_id: frozenset[str]) -> dict[str, list[Shown]]:
    """The inline pictures that nothing refers to by id, by name and in order."""
    named: dict[str, list[Shown]] = {}
    for file in chosen.files:
        shown = chosen.shown.get(file.source)
        if shown and file.is_inline_picture and _plain_id(file.content_id) not in by_id:
            named.setdefault(file.name, []).append(shown)
    return named


def _list_rest(chosen: Chosen, linked: set[str]) -> list[str]:
    """Links to the new files that the text does not show yet; each name of the same bytes once."""
    new = {file.address for file in chosen.kept}
    rest = [chosen.shown[file.source] for file in chosen.files if file.source in chosen.shown]
    links = (_link(shown) for shown in rest if shown.address in new and shown.address not in linked)
    return list(dict.fromkeys(links))


def _link(shown: Shown) -> str:
    return f"{'!' if shown.is_picture else ''}[{escape_name(shown.name)}]({shown.address})"


def find_remarks(chosen: Chosen) -> list[str]:
    """Sentences of ours about files that are not stored as they were sent."""
    by_limit: dict[Limit, list[NewFile]] = {}
    for limit, file in chosen.left_out:
        by_limit.setdefault(limit, []).append(file)
    remarks = [_describe_left_out(limit, files) for limit, files in by_limit.items()]
    if chosen.uncleaned:
        remarks.append(
            _("Metadata could not be removed from: %(files)s.")
            % {"files": _names(chosen.uncleaned)}
        )
    return remarks


def _describe_left_out(limit: Limit, files: Sequence[NewFile]) -> str:
    sentence = {
        Limit.FILE: _(
            "Left out, as a file may have at most %(limit)s: %(files)s. "
            "The original message still holds it."
        ),
        Limit.COUNT: _(
            "Left out, as a message may bring at most %(limit)s files: %(files)s. "
            "The original message still holds it."
        ),
        Limit.TOGETHER: _(
            "Left out, as the files of a message may have at most %(limit)s together: %(files)s. "
            "The original message still holds it."
        ),
    }[limit]
    most = str(limit.most) if limit is Limit.COUNT else _size(limit.most)
    return sentence % {"limit": most, "files": _names(files)}


def _names(files: Sequence[NewFile]) -> str:
    return ", ".join(f"“{escape_name(file.name)}” ({_size(len(file.content))})" for file in files)


def _size(size: int) -> str:
    return filesizeformat(size).replace("\N{NO-BREAK SPACE}", " ")


def escape_name(name: str) -> str:
    """Markdown sees plain text."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@-])", r"\\\1", name)
