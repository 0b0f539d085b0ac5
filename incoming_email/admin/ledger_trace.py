"""The trace as stages: each address, each decision, and the end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Drawing:
    """How the steps of one name are drawn."""

    chapter: Chapter
    mark: Mark | None = None
    """Whatever the result was."""

    by_result: Mapping[str, Mark] = field(default_factory=dict)
    holds: Reason | None = None
    """The reason for which a step that did not pass may have held the message."""


PROJECT_MARKS = {
    "passed": Mark.PASSED,
    "switched off": Mark.STOPPED,
    "not passed": Mark.STOPPED,
    "the author has no second factor": Mark.STOPPED,
}
DRAWINGS = {
    "probe": Drawing(Chapter.KIND, Mark.PASSED),  # the probe has arrived
    "kind": Drawing(Chapter.KIND, by_result={"personal": Mark.PASSED}),
    "author": Drawing(Chapter.KIND, by_result={"not named": Mark.OVER}),
    "reading": Drawing(Chapter.KIND, Mark.STOPPED),
    "address": Drawing(Chapter.ADDRESS),
    "reference": Drawing(Chapter.ADDRESS),
    "blocked senders": Drawing(Chapter.RIGHT, Mark.STOPPED),
    "spam": Drawing(Chapter.RIGHT, by_result={"not marked": Mark.PASSED}, holds=Reason.SPAM),
    "limit": Drawing(Chapter.RIGHT, Mark.STOPPED),
    "project": Drawing(Chapter.RIGHT, by_result=PROJECT_MARKS),
    "sender": Drawing(
        Chapter.RIGHT,
        by_result={"fits the key": Mark.PASSED, "not asked for": Mark.OVER},
        holds=Reason.SENDER_MISMATCH,
    ),
    "authentication": Drawing(
        Chapter.RIGHT, by_result={"passed": Mark.PASSED}, holds=Reason.NOT_AUTHENTICATED
    ),
    "series": Drawing(Chapter.RIGHT, Mark.STOPPED),
    "answered note": Drawing(Chapter.RIGHT, holds=Reason.INTERNAL_ANSWER),
    "answered issue": Drawing(Chapter.RIGHT, holds=Reason.CONFIDENTIAL_ANSWER),
    "answered mail": Drawing(Chapter.RIGHT, holds=Reason.NOT_A_REPLY),
    "refusal": Drawing(Chapter.RIGHT, Mark.STOPPED),
    "duplicate": Drawing(Chapter.RIGHT, Mark.STOPPED),
    "notice": Drawing(Chapter.EFFECT, Mark.NOTED),
    "quick actions": Drawing(Chapter.EFFECT, Mark.NOTED),
}
"""By the name of the step."""

_UNKNOWN = Drawing(Chapter.EFFECT)
"""Of another version; a test finds what this one writes and does not draw."""


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


def _drawing(step: Mapping[str, str]) -> Drawing:
    return DRAWINGS.get(step.get("step", ""), _UNKNOWN)


def _chapter(step: Mapping[str, str]) -> Chapter:
    return _drawing(step).chapter


def _is_found(step: Mapping[str, str]) -> bool:
    return _chapter(step) is Chapter.ADDRESS and step.get("result", "").endswith(_FOUND)


def _find_mark(
    row: InboundEmail, step: Mapping[str, str], *, is_taken: bool, found: int | None
) -> Mark:
    drawing = _drawing(step)
    if drawing.chapter is Chapter.ADDRESS:
        return Mark.TAKEN if is_taken else Mark.OVER
    known = drawing.mark or drawing.by_result.get(step.get("result", ""))
    if known is not None:
        return known
    if step.get("step") == "kind":  # a handler overrides the ignore
        return Mark.STOPPED if found is None else Mark.NOTED
    is_holding = row.status == Status.HELD and row.held_rule == drawing.holds
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
