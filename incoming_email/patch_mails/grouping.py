"""Which mails make one series: they answer each other, or the same mail, and their numbers fit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """The position of a mail in its series. `key` is the caller's, and grows with the time of
    arrival."""

    key: int
    number: int
    message_id: str
    references: tuple[str, ...]
    """The nearest one first."""


def find_group(parts: Iterable[Part], wanted: int) -> list[Part]:
    """The parts that belong with the one whose key is `wanted`, in order; of one number the latest.

    All of them have the same author, revision and total. The order of arrival does not matter.
    """
    everything = list(parts)
    group = _connected(everything, wanted)
    if len(group) == 1 and not group[0].references:
        group = _unthreaded(everything) or group
    latest = {part.number: part for part in sorted(group, key=lambda part: part.key)}
    return [latest[number] for number in sorted(latest)]


def _connected(parts: list[Part], wanted: int) -> list[Part]:
    """All that can be reached from the wanted one; a name that two share joins them."""
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        for name in _names(part):
            by_name.setdefault(name, []).append(part)
    reached = {part.key: part for part in parts if part.key == wanted}
    waiting = list(reached.values())
    while waiting:
        for name in _names(waiting.pop()):
            for part in by_name.pop(name, ()):  # popped: each name is gone through once
                if part.key not in reached:
                    reached[part.key] = part
                    waiting.append(part)
    return list(reached.values())


def _names(part: Part) -> set[str]:
    """Its own id, and the mail that it answers; git names no more of a series in the thread."""
    return {name for name in (part.message_id, *part.references[:1]) if name}


def _unthreaded(parts: Sequence[Part]) -> list[Part]:
    """Sent without --thread, mails name nothing, and nothing names them."""
    named = {name for part in parts for name in part.references}
    return [part for part in parts if not part.references and part.message_id not in named]


def missing_numbers(group: Sequence[Part], total: int) -> list[int]:
    return sorted(set(range(1, total + 1)) - {part.number for part in group})


def may_lack_cover(group: Sequence[Part]) -> bool:
    """Every patch answers the same mail, which is none of them: a cover letter, or an older one."""
    ids = {part.message_id for part in group}
    answered = {part.references[0] for part in group if part.references}
    has_cover = any(part.number == 0 for part in group)
    return (
        not has_cover
        and len(answered) == 1
        and not answered & ids
        and all(part.references for part in group)
    )
