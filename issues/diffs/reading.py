"""The diff between two commits, read once and then kept under their names."""

import pickle
import zlib

from django.conf import settings
from django.core.cache import cache

from issues import repositories
from issues.diffs.painting import paint
from issues.diffs.parsing import DiffLimits, parse_diff
from issues.diffs.types import Diff
from issues.models import Project
from issues.repositories import GitError, GitStopped

FORMAT = 1
"""Goes up when the values change, so that none of an older release is read."""

KEPT_SECONDS = 7 * 24 * 3600


def find_diff(project: Project, *, base: str, head: str) -> Diff:
    """From `base` to `head`, within MAX_DIFF_…: one call of git, and none the next time."""
    limits = DiffLimits(
        files=settings.MAX_DIFF_FILES,
        lines=settings.MAX_DIFF_LINES,
        file_lines=settings.MAX_DIFF_FILE_LINES,
        line_length=settings.MAX_DIFF_LINE_LENGTH,
    )
    numbers = f"{limits.files}.{limits.lines}.{limits.file_lines}.{limits.line_length}"
    key = f"diff-{FORMAT}-{numbers}-{project.pk}-{base}-{head}"
    kept = cache.get(key)
    if isinstance(kept, bytes):
        diff: Diff = pickle.loads(zlib.decompress(kept))  # noqa: S301  (what we wrote ourselves)
        return diff
    diff = _read(project, base, head, limits)
    if diff.is_readable:
        cache.set(key, zlib.compress(pickle.dumps(diff)), KEPT_SECONDS)
    return diff


def _read(project: Project, base: str, head: str, limits: DiffLimits) -> Diff:
    try:
        out = repositories.find_diff(project, base=base, head=head)
    except GitStopped:  # too much to read: names and counts still fit
        out = repositories.find_diff(project, base=base, head=head, with_lines=False)
    except GitError:
        return Diff(is_readable=False)
    return paint(parse_diff(out, limits))
