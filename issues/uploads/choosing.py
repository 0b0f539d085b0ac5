"""Which files of a text are kept: limits, repeats, and logos that hang there already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from django.conf import settings
from django.db.models import Q

from issues.models import Issue, MergeRequest, Note, Upload, User
from issues.pictures import remove_metadata
from issues.uploads.files import NewFile, address_of, inline_types


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
    kind = "issue" if isinstance(destination.item, Issue) else "merge_request"
    hanging = Q(**{kind: destination.item}) | Q(**{f"note__{kind}": destination.item})
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
