"""Fills in a text that a member will post in their own name: words of others become a quote."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from issues.marked_text import MarkedText, split_lines
from servicedesk.placeholders import PLACEHOLDER, WORDS_OF_OTHERS

_RISKY_START = re.compile(r"[\s\u200b\u2060\ufeff]*(?:[/<>]|```|~~~)| {4}|\t")
"""A line that begins so may be a command, or end or begin code, HTML or a quote."""

_ACTS = re.compile(r"(?<![^\s\u200b\u2060\ufeff])[/@](?=\w)")
"""A command, if a mail program breaks the line before it; or a call of a person."""

_QUOTE_MARKS = re.compile(r"[ \t]*>[ \t>]*")


def fill_in_marked(text: str, values: Mapping[str, str]) -> MarkedText:
    """As `fill_in`, for a text that a member will post in their own name: what a value holds is no
    command there, calls nobody, and changes nothing about the lines around it.

    Words of others become a quote, with lines of its own; a few harmless ones stay in their
    sentence. So does what is ours, unless it begins like a command or code.
    """
    filler = _Filler(values)
    for line in split_lines(text):
        filler.take(line)
    return filler.finish()


@dataclass(slots=True)
class _Filler:
    """Builds the text line by line."""

    values: Mapping[str, str]
    lines: list[str] = field(default_factory=list)
    others: set[int] = field(default_factory=set)
    line: str = ""
    is_mixed: bool = False
    """A value stands in the line."""

    is_below_quote: bool = False
    """Only a blank line ends a quote; without, what follows counts as its rest."""

    def take(self, template: str) -> None:
        at, before = 0, len(self.lines)
        rest = PLACEHOLDER.sub("", template).strip(" \t>")
        for found in PLACEHOLDER.finditer(template):
            self.line += template[at : found.start()]
            at = found.end()
            value = self.values.get(found["name"])
            if value is None:
                self.line += found[0]
            elif lines := _without_blank_ends(value.splitlines()):
                self._put(found["name"], lines, in_sentence=bool(rest))
        self.line += template[at:]
        if self.line.strip() and len(self.lines) > before and self.is_below_quote:
            self.line = f" {self.line.lstrip()}"  # what stood within a line does not begin one
        if self.line.strip() or len(self.lines) == before:
            self._end_line()
        self.line, self.is_mixed = "", False

    def finish(self) -> MarkedText:
        if self.is_below_quote:
            self.lines += ["", ""]  # whoever writes on writes below it
        return MarkedText("\n".join(self.lines), frozenset(self.others))

    def _put(self, name: str, value: list[str], *, in_sentence: bool) -> None:
        if not self._stays(name, value, in_sentence=in_sentence):
            self._quote(value)
            return
        for more in value[:-1]:
            self.line, self.is_mixed = self.line + more, True
            self._end_line()
            self.line = ""
        self.line, self.is_mixed = self.line + value[-1], True

    def _stays(self, name: str, value: list[str], *, in_sentence: bool) -> bool:
        """Whether the value may stand where its placeholder did."""
        below_first = value[1:] if self.line.strip() else value
        if self.line.lstrip().startswith("/") or any(map(_RISKY_START.match, below_first)):
            return False
        if name not in WORDS_OF_OTHERS:
            return True
        return in_sentence and len(value) == 1 and not _ACTS.search(value[0])

    def _quote(self, value: list[str]) -> None:
        marks = _QUOTE_MARKS.fullmatch(self.line)
        if self.line.strip() and not marks:
            self.line = self.line.rstrip()
            self._end_line()
        mark = f"{self.line.rstrip()} " if marks else "> "
        for line in value:
            self.others.add(len(self.lines))
            self.lines.append(f"{mark}{line}".rstrip())
        self.line, self.is_mixed, self.is_below_quote = "", False, True

    def _end_line(self) -> None:
        line = self.line
        if self.is_below_quote and line.strip():
            self.lines.append("")
        self.is_below_quote = False
        if self.is_mixed:
            self.others.add(len(self.lines))
        self.lines.append(line)


def _without_blank_ends(lines: list[str]) -> list[str]:
    filled = [number for number, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []
