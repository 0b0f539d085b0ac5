"""Files that come along to another project."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction

from issues.disk import sync_folder
from issues.models import Project, Upload
from issues.uploads.removing import remove_after_commit
from issues.uploads.storing import DRAFT, add_written, path_of


def move_uploads(uploads: Sequence[Upload], project: Project) -> None:
    """Both rows and files. Until the commit a file lies in both places, so that a crash at any
    moment leaves it where its row says; the sweep removes the other one."""
    for upload in uploads:
        before = path_of(upload)
        upload.project = project
        if _link(before, path_of(upload)):
            transaction.on_commit(remove_after_commit(before, upload.pk))
    Upload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(project=project)


def _link(before: Path, after: Path) -> bool:
    """Not of a file that was lost or purged, nor in a dry run."""
    if not before.is_file() or not add_written(after):
        return False
    after.parent.mkdir(parents=True, exist_ok=True)
    draft = after.parent / DRAFT
    draft.unlink(missing_ok=True)
    try:
        os.link(before, draft)
    except OSError:  # a file system without links
        shutil.copyfile(before, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
    draft.replace(after)
    sync_folder(after.parent)
    return True
