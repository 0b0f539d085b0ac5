"""Files of issues, merge requests and notes: names, places, and clean-up after a failed attempt."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from issues.models import Issue, MergeRequest, Note, Project, Upload, User

MAX_NAME_BYTES = 255
MAX_EXTENSION_BYTES = 20
SECRET_DIGITS = 32
DRAFT = ".part"

inline_types = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Shown in the page. All else is a download: SVG and HTML can carry script."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that came with a text.

    `source` names the cause for good (`inbound-42-0`): the same source gives the same place on
    disk, so that doing it twice equals doing it once. `content_id` is what `cid:` refers to.
    """

    filename: str
    content_type: str
    content: bytes
    source: str
    content_id: str = ""

    @property
    def secret(self) -> str:
        """The unguessable folder: a keyed digest (HMAC-SHA256) of the source."""
        digest = salted_hmac("issues.uploads", self.source, algorithm="sha256").hexdigest()
        return digest[:SECRET_DIGITS]

    @property
    def name(self) -> str:
        return safe_name(self.filename)

    @property
    def address(self) -> str:
        return f"/uploads/{self.secret}/{quote(self.name)}"

    @property
    def is_kept(self) -> bool:
        return len(self.content) <= int(settings.MAX_UPLOAD_BYTES)


def safe_name(name: str) -> str:
    """A label fit for a path and a page: no folder, no control, bidi or invisible character.

    Never empty, never a dot file, at most 255 bytes of UTF-8 with the extension kept.
    """
    # Categories: Cc control, Cf format (bidi, zero-width), Cs surrogate, Zl and Zp separators.
    visible = "".join(
        char for char in name if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    parts = [part.strip() for part in re.split(r"[/\\]", visible)]
    label = next((part for part in reversed(parts) if part), "").lstrip(". ")
    return _shorten(label or "file")


def _shorten(label: str) -> str:
    if len(label.encode()) <= MAX_NAME_BYTES:
        return label
    stem, dot, extension = label.rpartition(".")
    if not dot or len(extension.encode()) > MAX_EXTENSION_BYTES:
        stem, dot, extension = label, "", ""
    room = MAX_NAME_BYTES - len(f"{dot}{extension}".encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + extension


def place(body: str, files: Sequence[NewFile]) -> str:
    """The body with every file linked: where it refers to one by `cid:`, else at its end."""
    placed: set[str] = set()
    by_id = {file.content_id.strip("<>").lower(): file for file in files if file.content_id}

    def find(match: re.Match[str]) -> NewFile | None:
        file = by_id.get(unquote(match["id"]).lower())
        if file is None or not file.is_kept:
            return None
        placed.add(file.source)
        return file

    def put_link(match: re.Match[str]) -> str:
        file = find(match)
        return match[0] if file is None else _link(file)

    def put_address(match: re.Match[str]) -> str:
        file = find(match)
        return match[0] if file is None else file.address

    # Outlook's text part shows an inline picture as "[cid:image001.png@01DA]".
    body = re.sub(r"\[cid:(?P<id>[^\s\[\]]{1,998})\](?!\()", put_link, body)
    body = re.sub(r"\bcid:(?P<id>[^\s()<>\[\]\"']{1,998})", put_address, body)
    ends = [_link(file) if file.is_kept else _left_out(file) for file in files]
    ends = [end for end, file in zip(ends, files, strict=True) if file.source not in placed]
    return "\n\n".join([*([body.rstrip()] if body.strip() else []), *ends]) if ends else body


def _link(file: NewFile) -> str:
    mark = "!" if file.content_type.lower() in inline_types else ""
    return f"{mark}[{_escape(file.name)}]({file.address})"


def _left_out(file: NewFile) -> str:
    return _("The file %(name)s (%(size)s) was left out: files may have at most %(limit)s.") % {
        "name": f"“{_escape(file.name)}”",
        "size": filesizeformat(len(file.content)).replace("\N{NO-BREAK SPACE}", " "),
        "limit": filesizeformat(settings.MAX_UPLOAD_BYTES).replace("\N{NO-BREAK SPACE}", " "),
    }


def _escape(name: str) -> str:
    """Markdown sees plain text."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@-])", r"\\\1", name)


def create_uploads(
    *,
    project: Project,
    owner: Issue | MergeRequest | Note,
    uploader: User | None,
    files: Sequence[NewFile],
) -> list[Upload]:
    """Rows first: the unique secret proves that nobody else owns the place on disk."""
    kept = [file for file in files if file.is_kept]
    uploads = Upload.objects.bulk_create(
        Upload(
            project=project,
            issue=owner if isinstance(owner, Issue) else None,
            merge_request=owner if isinstance(owner, MergeRequest) else None,
            note=owner if isinstance(owner, Note) else None,
            uploader=uploader,
            secret=file.secret,
            filename=file.name,
            content_type=file.content_type[:255],
            size=len(file.content),
        )
        for file in kept
    )
    for upload, file in zip(uploads, kept, strict=True):
        _write(path_of(upload), file.content)
    return uploads


def path_of(upload: Upload) -> Path:
    folder = Path(settings.MEDIA_ROOT) / "uploads" / str(upload.project_id) / upload.secret
    return folder / upload.filename


def open_upload(upload: Upload) -> BinaryIO:
    """Raises FileNotFoundError where the file was lost or purged."""
    return path_of(upload).open("rb")


_discarding: ContextVar[bool] = ContextVar("uploads_discarding", default=False)
_written: ContextVar[list[Path] | None] = ContextVar("uploads_written", default=None)


@contextmanager
def discarded() -> Iterator[None]:
    """A dry run: rows are the caller's to roll back, and no file is written."""
    token = _discarding.set(True)
    try:
        yield
    finally:
        _discarding.reset(token)


@contextmanager
def rolled_back_on_error() -> Iterator[None]:
    """Remove the files written inside when the block raises. Nests: an outer block knows all."""
    outer = _written.get()
    mine: list[Path] = []
    token = _written.set(mine)
    try:
        yield
    except BaseException:
        for path in mine:
            _remove(path)
        raise
    finally:
        _written.reset(token)
    if outer is not None:
        outer.extend(mine)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path.parent / DRAFT).unlink(missing_ok=True)
    try:
        path.parent.rmdir()
    except OSError:  # another file of the same cause, or already gone
        return


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk before the row commits."""
    if _discarding.get():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written = _written.get()
    if written is not None:
        written.append(path)
    draft = path.parent / DRAFT
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The rename itself must survive a power cut (fsync(2): sync the directory as well)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
