"""What commits may bring into a tree. `git am` itself takes submodules and any symbolic link."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues.repositories.refusing import Refused, Why, sentence
from issues.repositories.running import Git

SUBMODULE = "160000"
SYMBOLIC_LINK = "120000"
NOTHING = "000000"
META_WORDS = 5
MAX_TARGET_BYTES = 4096
"""PATH_MAX of Linux."""

_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
"""Characters that a Mac leaves out of names (utf8.c of git): `.git` with one in it is `.git`."""

_MODULES = re.compile(r"\.gitmodules|gitmod~[1-9]|gi7eba~[1-9]|gi7eb~[1-9]\d")
"""Also by the short names that NTFS gives it (git's path.c, is_ntfs_dotgitmodules)."""


_DRIVE = re.compile(rb"[A-Za-z]:")
"""With which an absolute path of Windows begins."""


@dataclass(frozen=True, slots=True)
class Change:
    """A path as a commit leaves it."""

    mode: str
    blob: str
    path: str


def read_commits(git: Git, *, start: str, head: str) -> tuple[list[str], list[Change]]:
    """Subjects of the commits after `start`, the oldest first, and all that they change."""
    answer = git.run(
        *("log", "--reverse", "--raw", "-z", "-m", "--no-renames", "--no-abbrev"),
        *("--format=%x01%s", f"{start}..{head}", "--"),
    )
    tokens = iter(answer.out.decode(errors="surrogateescape").split("\0"))
    subjects: list[str] = []
    changes: list[Change] = []
    for token in map(str.strip, tokens):
        if token.startswith("\x01"):
            subjects.append(token[1:])
        elif token.startswith(":"):
            _old_mode, mode, _old_blob, blob, _letter = token.split(maxsplit=META_WORDS - 1)
            changes.append(Change(mode, blob, next(tokens)))
    return subjects, changes


def require_harmless(git: Git, changes: list[Change]) -> None:
    """Raises Refused for a submodule, `.gitmodules`, or a link that leaves the tree.

    Every commit is looked at, since what a later one takes away stays in the history.
    """
    for change in changes:
        if change.mode == SUBMODULE:
            _refuse(change, _("“%(path)s” is a submodule, and patches may not bring any."))
        name = _read_name(change.path.rpartition("/")[2])
        if _MODULES.fullmatch(name) and change.mode != NOTHING:
            _refuse(change, _("“%(path)s” declares submodules, and patches may not bring any."))
    links = [change for change in changes if change.mode == SYMBOLIC_LINK]
    for change, target in zip(links, _read_blobs(git, [c.blob for c in links]), strict=True):
        if not stays_inside(change.path, target):
            _refuse(change, _("“%(path)s” is a symbolic link that leads out of the project."))


def stays_inside(path: str, target: bytes) -> bool:
    """Whether a link at `path` can't lead out of the tree, nor into `.git`, also where Windows
    reads it: a backslash is a slash there.

    `..` may only come first: after the name of another link it would lead elsewhere.
    """
    readings = {target, target.replace(b"\\", b"/")}
    return all(_leads_inside(path, each) for each in readings)


def _leads_inside(path: str, target: bytes) -> bool:
    words = target.decode(errors="surrogateescape").split("/")
    depth = path.count("/")
    while words and words[0] in {"..", "."}:
        depth -= words.pop(0) == ".."
    is_absolute = target.startswith(b"/") or _DRIVE.match(target) is not None
    outside = depth < 0 or is_absolute or len(target) > MAX_TARGET_BYTES
    return not (outside or ".." in words or any(_is_git_folder(word) for word in words))


def _is_git_folder(word: str) -> bool:
    return _read_name(word) in {".git", "git~1"}


def _read_name(word: str) -> str:
    """As the file systems of Macs and of Windows read it, without a stream of NTFS behind it."""
    return word.translate(_IGNORED).casefold().partition(":")[0].rstrip(". ")


def _read_blobs(git: Git, names: list[str]) -> Iterator[bytes]:
    """Contents in order (git-cat-file, --batch)."""
    if not names:
        return
    given = "".join(f"{name}\n" for name in names)
    out = git.run("cat-file", "--batch", given=given.encode()).out
    position = 0
    for _name in names:
        end = out.index(b"\n", position)
        size = int(out[position:end].split()[2])
        yield out[end + 1 : end + 1 + size]
        position = end + 1 + size + 1


def _refuse(change: Change, text: Promise) -> None:
    path = change.path.encode(errors="surrogateescape").decode(errors="replace")
    raise Refused(Why.PATCH, sentence(text, path=path))
