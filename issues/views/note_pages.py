"""Which notes of a long discussion one page shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from django.http import HttpRequest

NOTES_A_PAGE = 50
MAX_DIGITS = 18


class NoteRow(NamedTuple):
    """What places a note, without its text."""

    pk: int
    discussion: str
    system: bool
    internal: bool
    author_id: int | None
    position_id: int | None

    @property
    def group(self) -> tuple[str, bool]:
        """A system note is no discussion: answers in its name, as they once were, are one."""
        return self.discussion, self.system


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks to see: a page, that of a note, or that of the end of a discussion.

    Otherwise it is the last page.
    """

    page: int = 0
    note: int = 0
    discussion: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        return cls(
            page=_parse_number(request.GET.get("page", "")),
            note=_parse_number(request.GET.get("note", "")),
            discussion=request.POST.get("discussion", ""),
        )


@dataclass(frozen=True, slots=True)
class NotePage:
    rows: tuple[NoteRow, ...]
    """In the order that they are shown in."""

    number: int = 1
    total: int = 1

    @property
    def earlier(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def later(self) -> int | None:
        return self.number + 1 if self.number < self.total else None


def group_rows(rows: Iterable[NoteRow]) -> dict[tuple[str, bool], list[NoteRow]]:
    """Notes of one discussion together, each discussion where it began."""
    groups: dict[tuple[str, bool], list[NoteRow]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    return groups


def choose_page(rows: Sequence[NoteRow], wanted: Wanted) -> NotePage:
    """`rows` in the order that they are shown in. The last page has half of a page and more."""
    full, rest = divmod(len(rows), NOTES_A_PAGE)
    total = max(1, full + (rest > NOTES_A_PAGE // 2))
    number = min(_find_number(rows, wanted) or total, total)
    end = None if number == total else number * NOTES_A_PAGE
    return NotePage(tuple(rows[(number - 1) * NOTES_A_PAGE : end]), number, total)


def _find_number(rows: Sequence[NoteRow], wanted: Wanted) -> int:
    if wanted.note or wanted.discussion:
        found = [
            index
            for index, row in enumerate(rows)
            if row.pk == wanted.note or row.group == (wanted.discussion, False)
        ]
        if found:
            return found[-1] // NOTES_A_PAGE + 1
    return wanted.page


def _parse_number(text: str) -> int:
    """0 where it is none."""
    return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else 0
