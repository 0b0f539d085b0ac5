"""The values that a diff consists of."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.safestring import SafeString

REGULAR_MODES = {"100644", "100755", "000000"}
SYMBOLIC_LINK = "120000"
SUBMODULE = "160000"
NO_HTML = SafeString("")


class Side(StrEnum):
    """Which of the two commits a line is counted in."""

    OLD = "old"
    NEW = "new"


class Change(StrEnum):
    """git's letters for the kind of change of a file (git-diff, --diff-filter)."""

    ADDED = "A"
    COPIED = "C"
    DELETED = "D"
    MODIFIED = "M"
    RENAMED = "R"
    RETYPED = "T"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. A number is None on the side that does not have the line."""

    old: int | None
    new: int | None
    text: str
    html: SafeString = NO_HTML
    """The same, escaped and coloured; letters that can't be seen are named."""

    is_cut: bool = False
    is_unended: bool = False
    """The last line of a file, without a newline."""

    @property
    def side(self) -> Side:
        return Side.OLD if self.new is None else Side.NEW

    @property
    def number(self) -> int:
        """On its side."""
        return (self.old if self.new is None else self.new) or 0

    @property
    def mark(self) -> str:
        if self.new is None:
            return "-"
        return "+" if self.old is None else " "


@dataclass(frozen=True, slots=True)
class Hunk:
    heading: str
    """git's heading of the hunk: ranges, and the function around it."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class ChangedFile:
    change: Change
    path: str
    old_path: str
    """Differs from `path` in renames and copies only."""

    old_mode: str
    new_mode: str
    old_blob: str
    new_blob: str
    added: int
    removed: int
    is_binary: bool
    hunks: tuple[Hunk, ...] = ()
    is_cut: bool = False
    """There is more to show than `hunks` hold."""

    @property
    def is_link(self) -> bool:
        return SYMBOLIC_LINK in {self.old_mode, self.new_mode}

    @property
    def is_submodule(self) -> bool:
        return SUBMODULE in {self.old_mode, self.new_mode}

    @property
    def has_new_mode(self) -> bool:
        """Whether the file became executable, or is so no longer.

        False for a new or deleted file, which has no mode to compare.
        """
        modes = {self.old_mode, self.new_mode}
        return len(modes) > 1 and modes <= REGULAR_MODES - {"000000"}

    def blob(self, side: Side) -> str:
        """The content that line numbers of that side belong to."""
        return self.old_blob if side is Side.OLD else self.new_blob


@dataclass(frozen=True, slots=True)
class Diff:
    files: tuple[ChangedFile, ...] = ()
    hidden_files: int = 0
    """Changed too, and past MAX_DIFF_FILES."""

    is_readable: bool = True
    """False where the commits are not in the repository any more."""

    is_coloured: bool = True
    """False where colouring took too long, so that some of it is plain."""

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)

    @property
    def is_cut(self) -> bool:
        return bool(self.hidden_files) or any(file.is_cut for file in self.files)
