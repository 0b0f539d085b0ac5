"""Rows and bytes of files: written together, and cleaned up after a failed attempt."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from issues.disk import sync_folder
from issues.models import Issue, MergeRequest, Note, Project, Upload, User
from issues.uploads.linking import Chosen

DRAFT = ".part"


def create_uploads(
    *,
    project: Project,
    owner: Issue | MergeRequest | Note,
    uploader: User | None,
    chosen: Chosen,
) -> list[Upload]:
    """Rows first: the unique secret proves that the path on disk belongs to nobody else."""
    if not chosen.kept:
        return []
    digests = {file.source: file.digest for file in chosen.files}
    uploads = Upload.objects.bulk_create(
        Upload(
            project=project,
            issue=owner if isinstance(owner, Issue) else None,
            merge_request=owner if isinstance(owner, MergeRequest) else None,
            note=owner if isinstance(owner, Note) else None,
            uploader=uploader,
            secret=file.secret,
            filename=file.name,
            content_type=file.type[:255],
            size=len(file.content),
            digest=digests[file.source],
        )
        for file in chosen.kept
    )
    for upload, file in zip(uploads, chosen.kept, strict=True):
        _write(path_of(upload), file.content)
    return uploads


def path_of(upload: Upload) -> Path:
    folder = Path(settings.MEDIA_ROOT) / "uploads" / str(upload.project_id) / upload.secret
    return folder / upload.filename


def open_upload(upload: Upload) -> BinaryIO:
    """Raises FileNotFoundError where the file was lost or purged."""
    return path_of(upload).open("rb")


def read_content(upload: Upload) -> bytes | None:
    """The whole file; None where it was lost or purged."""
    try:
        return path_of(upload).read_bytes()
    except OSError:
        return None


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
            remove_file(path)
        raise
    finally:
        _written.reset(token)
    if outer is not None:
        outer.extend(mine)


def add_written(path: Path) -> bool:
    """To be removed where the block fails that writes it; False in a dry run, which writes none."""
    if _discarding.get():
        return False
    written = _written.get()
    if written is not None:
        written.append(path)
    return True


def remove_file(path: Path) -> None:
    """With its folder; nothing where it is gone already."""
    path.unlink(missing_ok=True)
    (path.parent / DRAFT).unlink(missing_ok=True)
    try:
        path.parent.rmdir()
    except OSError:  # another file of the same cause, or already gone
        return


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk before the row commits."""
    if not add_written(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / DRAFT
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
