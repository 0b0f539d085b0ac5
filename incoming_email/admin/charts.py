"""Charts as shapes with computed coordinates: drawn by the server, without scripts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 12, 28
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
MAX_LABELS = 8
"""Labels below a chart; more would overlap."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle, or with `points` a line through them."""

    css_class: str
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0
    points: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at a coordinate of an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    shapes: tuple[Shape, ...]
    below: tuple[Mark, ...]
    beside: tuple[Mark, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def draw_stacks(
    stacks: Sequence[Sequence[int]], classes: Sequence[str], labels: Sequence[str]
) -> Chart:
    """Bars of parts on top of each other; `classes` names the parts, from the bottom."""
    top = round_up(max([sum(stack) for stack in stacks], default=0))
    shapes = []
    for at, stack in enumerate(stacks):
        below = 0
        for css_class, count in zip(classes, stack, strict=True):
            if count:
                x, width = _columns(at, len(stacks))
                y, height = _y_of(below + count, top), INNER_HEIGHT * count / top
                shapes.append(Shape(css_class, x, round(y, 1), width, round(height, 1)))
            below += count
    ticks = sorted({0, top // 2, top})
    beside = tuple(Mark(round(_y_of(tick, top), 1), str(tick)) for tick in ticks)
    return Chart(tuple(shapes), _mark_below(labels), beside)


def draw_lines(
    lines: Sequence[tuple[str, Sequence[int | None]]],
    ticks: Sequence[tuple[int, str]],
    labels: Sequence[str],
) -> Chart:
    """Lines over a scale where each step is ten times the one before; `ticks` from 0 up.

    A line has gaps where its value is None; a value alone is a dot.
    """
    top = ticks[-1][0]

    def y_of(value: float) -> float:
        return round(TOP + INNER_HEIGHT * (1 - log10(1 + min(value, top)) / log10(1 + top)), 1)

    shapes = [shape for css_class, values in lines for shape in _draw_line(css_class, values, y_of)]
    beside = tuple(Mark(y_of(value), text) for value, text in ticks)
    return Chart(tuple(shapes), _mark_below(labels), beside)


def round_up(value: int) -> int:
    """The next number that reads well at the end of an axis."""
    size = 1
    while value > 10 * size:
        size *= 10
    return next((step * size for step in (2, 4, 6, 8, 10) if step * size >= value), 10 * size)


def _draw_line(
    css_class: str, values: Sequence[int | None], y_of: Callable[[float], float]
) -> list[Shape]:
    shapes: list[Shape] = []
    run: list[str] = []
    for at, value in enumerate([*values, None]):
        if value is not None:
            x, width = _columns(at, len(values))
            shapes.append(Shape(f"{css_class} dot", round(x + width / 2, 1), y_of(value)))
            run.append(f"{shapes[-1].x},{shapes[-1].y}")
        elif run:
            shapes.append(Shape(css_class, points=" ".join(run)))
            run = []
    return shapes


def _y_of(value: float, top: int) -> float:
    return TOP + INNER_HEIGHT * (1 - value / top)


def _columns(at: int, count: int) -> tuple[float, float]:
    """Where a column begins and how wide it is."""
    wide = INNER_WIDTH / count
    return round(LEFT + wide * at + wide * 0.1, 1), round(wide * 0.8, 1)


def _mark_below(labels: Sequence[str]) -> tuple[Mark, ...]:
    every = -(-len(labels) // MAX_LABELS)
    return tuple(
        Mark(round(LEFT + INNER_WIDTH / len(labels) * (at + 0.5), 1), label)
        for at, label in enumerate(labels)
        if at % every == 0
    )
