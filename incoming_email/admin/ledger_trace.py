"""The trace as stages: each address, each decision, and the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.types import Candidate

MAX_UNASKED = 20
"""Addresses shown behind the matching one; a list of thousands tells nothing."""

_FOUND = ": found"


class Mark(Enum):
    """What a step did to the message. The text next to the sign is for readers who see no
    colours."""

    TAKEN = "taken", "✓", _("taken")
    PASSED = "passed", "✓", _("passed")
    OVER = "over", "–", _("passed over")
    UNASKED = "unasked", "·", _("not asked")
    STOPPED = "stopped", "✕", _("stopped here")
    NOTED = "noted", "•", _("noted")

    def __init__(self, slug: str, sign: str, label: str | Promise) -> None:
        self.slug, self.sign, self.label = slug, sign, label


class Chapter(Enum):
    KIND = "kind", _("What sort of mail is it?")
    ADDRESS = "address", _("Which address was meant?")
    RIGHT = "right", _("May it act?")
    EFFECT = "effect", _("What was done besides?")

    def __init__(self, slug: str, title: str | Promise) -> None:
        self.slug, self.title = slug, title


CHAPTERS = {
    "probe": Chapter.KIND,
    "kind": Chapter.KIND,
    "reading": Chapter.KIND,
    "address": Chapter.ADDRESS,
    "reference": Chapter.ADDRESS,
    "limit": Chapter.RIGHT,
    "sender": Chapter.RIGHT,
    "authentication": Chapter.RIGHT,
    "refusal": Chapter.RIGHT,
    "duplicate": Chapter.RIGHT,
}
"""The stage of a step; all other steps are side effects."""

_ALWAYS = {
    "probe": Mark.PASSED,  # the probe has arrived
    **dict.fromkeys(("reading", "limit", "refusal", "duplicate"), Mark.STOPPED),
    **dict.fromkeys(("notice", "quick actions"), Mark.NOTED),
}
_BY_RESULT = {
    ("kind", "personal"): Mark.PASSED,
    ("sender", "fits the key"): Mark.PASSED,
    ("sender", "not asked for"): Mark.OVER,
    ("authentication", "passed"): Mark.PASSED,
}
_HOLDING = {"sender": Reason.SENDER_MISMATCH, "authentication": Reason.NOT_AUTHENTICATED}
"""The reason for which a step that did not pass may have held the message."""


@dataclass(frozen=True, slots=True)
class Line:
    """What was looked at, with its particulars, and what came of it."""

    mark: Mark
    name: str
    particulars: tuple[tuple[str, str], ...]
    result: str


@dataclass(frozen=True, slots=True)
class Stage:
    chapter: Chapter
    lines: tuple[Line, ...]

    @property
    def title(self) -> str | Promise:
        return self.chapter.title

    @property
    def mark(self) -> Mark:
        """The mark of the whole stage: where it stopped, else what matched, else how it went on."""
        marks = [line.mark for line in self.lines]
        for mark in (Mark.STOPPED, Mark.TAKEN):
            if mark in marks:
                return mark
        if self.chapter is Chapter.ADDRESS:  # no address matched
            return Mark.STOPPED
        return Mark.PASSED if Mark.PASSED in marks else Mark.NOTED


def draw_trace(
    row: InboundEmail, steps: Sequence[Mapping[str, str]], candidates: Sequence[Candidate]
) -> tuple[Stage, ...]:
    """`steps` and `candidates` are without keys. Stages are in the order of the steps."""
    taken = max((at for at, step in enumerate(steps) if _is_found(step)), default=None)
    marked = [
        (_chapter(step), _draw_line(step, _find_mark(row, step, is_taken=at == taken, found=taken)))
        for at, step in enumerate(steps)
    ]
    unasked = _find_unasked(steps, candidates)
    stages = []
    for chapter, group in groupby(marked, key=lambda pair: pair[0]):
        lines = tuple(line for _chapter, line in group)
        if chapter is Chapter.ADDRESS:
            lines, unasked = (*lines, *unasked), ()
        stages.append(Stage(chapter, lines))
    return tuple(stages)


def _chapter(step: Mapping[str, str]) -> Chapter:
    return CHAPTERS.get(step.get("step", ""), Chapter.EFFECT)


def _is_found(step: Mapping[str, str]) -> bool:
    return _chapter(step) is Chapter.ADDRESS and step.get("result", "").endswith(_FOUND)


def _find_mark(
    row: InboundEmail, step: Mapping[str, str], *, is_taken: bool, found: int | None
) -> Mark:
    name, result = step.get("step", ""), step.get("result", "")
    if _chapter(step) is Chapter.ADDRESS:
        return Mark.TAKEN if is_taken else Mark.OVER
    known = _ALWAYS.get(name) or _BY_RESULT.get((name, result))
    if known is not None:
        return known
    if name == "kind":  # a handler overrides the ignore
        return Mark.STOPPED if found is None else Mark.NOTED
    is_holding = row.status == Status.HELD and row.held_rule == _HOLDING.get(name)
    return Mark.STOPPED if is_holding else Mark.NOTED


def _draw_line(step: Mapping[str, str], mark: Mark) -> Line:
    particulars = tuple(
        (name, value) for name, value in step.items() if name not in {"step", "result"} and value
    )
    return Line(mark, step.get("step", ""), particulars, step.get("result", ""))


def _find_unasked(
    steps: Sequence[Mapping[str, str]], candidates: Sequence[Candidate]
) -> tuple[Line, ...]:
    asked = {(step.get("header"), step.get("address")) for step in steps}
    return tuple(_draw_unasked(candidates, asked))[:MAX_UNASKED]


def _draw_unasked(
    candidates: Sequence[Candidate], asked: set[tuple[str | None, str | None]]
) -> Iterator[Line]:
    for each in candidates:
        if (each.header, each.address) not in asked:
            particulars = (("header", each.header), ("address", each.address))
            yield Line(Mark.UNASKED, "address", particulars, "")
