r"""Splits a text into its content and its commands. Pure except for the language.

A command stands at the very start of a line that the acting person typed: `/name`, then a blank and
its argument. In code, quotes and HTML it is text; so is `\\/name`. What is no command stays in the
text, whatever it looks like; its writer is told where it was most likely meant as one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum, auto

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues.marked_text import MarkedText, split_lines
from issues.own_lines import find_own_lines
from issues.quick_actions.types import Command, QuickAction, Reading, Refusal
from issues.quick_actions.vocabulary import OF_GITLAB, PATHS

INVISIBLE = "\u200b\u2060\ufeff"
"""Signs without width, which programs put before a line and nobody sees."""

COMMAND = re.compile(r"/(?P<name>[a-z][a-z_]{0,39})(?:[ \t\xa0]+(?P<argument>.*))?", re.IGNORECASE)
_NAMES_SOMETHING = re.compile(r"[@~%#][\w\"“”„]|[^\s@]{1,64}@[^\s@]{1,189}\.\w")
"""How an argument begins that names people, labels, other items, or an e-mail address."""

UNKNOWN = _("There is no such quick action.")
SLIP = _("There is no such quick action; is /%(name)s meant?")
WRITTEN_OTHERWISE = _("It is written like this: %(usage)s.")
TOO_MANY = _("A text may hold at most %(limit)s quick actions.")
STAYS = _("The line stays in the text.")
BELOW_A_QUOTE = _(
    "It stands below a quote without a blank line between, and may be the rest of it. To have it"
    " carried out, leave a blank line above it."
)

BELOW_OTHERS = _(
    "It stands below what looks like a signature, somebody else's words or a text added to the"
    " mail, and may not be yours. To have it carried out, write it further up or on the page."
)

MAX_DOUBTS = 20
"""More are not reported: the text is then most likely not written by a person."""

MAX_GUESSES = 50
"""Unknown names of one text that are compared with the known ones."""

_QUOTED = re.compile(r"[ \t]*(?:[A-Z]{0,3}>|\|)")
"""As mail programs mark it: '> text', 'AB> text', '| text'."""

_MARKS = "> \t|"
"""A line of these alone is a blank one within a quote."""

_HTML = re.compile(
    r" {0,3}<(?:(?P<raw>pre|script|style|textarea)|(?P<comment>!--)|/?(?:address|article|aside"
    r"|blockquote|body|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form"
    r"|h[1-6]|header|hr|html|iframe|li|main|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead"
    r"|tr|ul))(?(comment)|(?=[\s/>]|$))",
    re.IGNORECASE,
)
"""What begins an HTML block (CommonMark 4.6, kinds 1, 2 and 6)."""


def read_text(text: MarkedText, actions: Mapping[str, QuickAction], *, limit: int) -> Reading:
    """Never raises; linear in the length. At most `limit` commands are taken."""
    lines = split_lines(text.source)
    reader = _Reader(actions, limit)
    kept, meant = list[str](), list[str]()
    for line, place in zip(lines, _find_places(lines, text), strict=True):
        fate = reader.take(line, place)
        if fate is not _Fate.COMMAND:
            kept.append(line)
        if fate is _Fate.TEXT:
            meant.append(line)
    for line in text.doubtful:
        reader.tell(line)
    return Reading(
        "\n".join(_without_blank_ends(kept)) if reader.commands else text.source,
        tuple(reader.commands),
        tuple(reader.doubts),
        tuple(reader.mistakes),
        "\n".join(_without_blank_ends(meant)) if reader.mistakes else "",
    )


class _Fate(Enum):
    """What a line is."""

    COMMAND = auto()
    MISTAKE = auto()
    """Meant as a command."""

    TEXT = auto()


class _Place(Enum):
    """Where a line stands, as far as a command in it counts."""

    LIVE = auto()
    REST = auto()
    """It may be the rest of somebody else's line that a mail program has broken."""

    TEXT = auto()


@dataclass(slots=True)
class _Reader:
    """Gathers the commands and doubts of one text."""

    actions: Mapping[str, QuickAction]
    limit: int
    commands: list[Command] = field(default_factory=list)
    doubts: list[Refusal] = field(default_factory=list)
    mistakes: list[Refusal] = field(default_factory=list)
    guesses: dict[str, str] = field(default_factory=dict)

    def take(self, line: str, place: _Place) -> _Fate:
        line = _bare(line)
        found = None if place is _Place.TEXT else COMMAND.fullmatch(line)
        if found is None:
            return _Fate.TEXT
        name, argument = found["name"].lower(), (found["argument"] or "").strip()
        action = self.actions.get(name)
        if action is None:
            return self._take_unknown(line, name, argument)
        if not action.fits(argument):
            return self._take_mistake(line, WRITTEN_OTHERWISE, usage=action.usage)
        if place is _Place.REST:
            self._doubt(line, str(BELOW_A_QUOTE))
            return _Fate.TEXT
        if len(self.commands) == self.limit:
            return self._take_mistake(line, TOO_MANY, limit=str(self.limit))
        self.commands.append(Command(line, action, argument))
        return _Fate.COMMAND

    def tell(self, line: str) -> None:
        """Of a line that is a command if it is the writer's own, which could not be told."""
        line = _bare(line)
        found = COMMAND.fullmatch(line)
        action = self.actions.get(found["name"].lower()) if found else None
        if found and action and action.fits((found["argument"] or "").strip()):
            self._doubt(line, str(BELOW_OTHERS))

    def _doubt(self, line: str, why: str) -> None:
        if len(self.doubts) < MAX_DOUBTS:
            self.doubts.append(Refusal(line, why))

    def _take_mistake(self, line: str, why: Promise, **values: str) -> _Fate:
        sentence = str(why) % values
        self._doubt(line, f"{sentence} {STAYS}")
        if len(self.mistakes) < MAX_DOUBTS:
            self.mistakes.append(Refusal(line, sentence))
        return _Fate.MISTAKE

    def _take_unknown(self, line: str, name: str, argument: str) -> _Fate:
        """A word alone on its line was meant as a command; one with words after it only if it
        resembles a known one, is one of GitLab, or the words name something."""
        guess = self._guess(name)
        if guess:
            return self._take_mistake(line, SLIP, name=guess)
        if len(name) == 1 or name in PATHS:
            return _Fate.TEXT
        if not argument or name in OF_GITLAB or _NAMES_SOMETHING.match(argument):
            return self._take_mistake(line, UNKNOWN)
        return _Fate.TEXT

    def _guess(self, name: str) -> str:
        if name not in self.guesses:
            if len(self.guesses) == MAX_GUESSES:
                return ""
            close = get_close_matches(name, self.actions, n=1, cutoff=0.75)
            self.guesses[name] = close[0] if close and name not in PATHS else ""
        return self.guesses[name]


def _bare(line: str) -> str:
    """Without what nobody sees at its ends."""
    return line.lstrip(INVISIBLE).rstrip()


def _find_places(lines: Sequence[str], text: MarkedText) -> Iterator[_Place]:
    """What others wrote decides nothing about the lines around it: no code block, no HTML that
    begins or ends there counts. But what stands below a quote, up to a blank line, may be its rest.

    Where a program has broken a line cannot be seen: the columns differ, a long word moves the
    break, and the rest may be broken again. Markdown takes such lines into the quote too.
    """
    own = _find_live([line for number, line in enumerate(lines) if number not in text.others])
    is_below = False
    for number, line in enumerate(lines):
        is_others = number in text.others
        is_live = not is_others and next(own)
        has_words = bool(line.strip(_MARKS))
        is_below = has_words and (is_below or number in text.below_others)
        if is_live and is_below:
            yield _Place.REST
        else:
            yield _Place.LIVE if is_live else _Place.TEXT
        is_below = is_below or (has_words and _QUOTED.match(line) is not None)


def _find_live(lines: Sequence[str]) -> Iterator[bool]:
    """The writer's own lines, less those within a block of HTML."""
    end = ""
    for line, own in zip(lines, find_own_lines(lines), strict=True):
        if end:
            yield False
            if (end == "\n" and not line.strip()) or end in line.lower():
                end = ""
            continue
        found = _HTML.match(line) if own else None
        yield own and found is None
        if found is not None:
            end = _end_of_html(found)
            if end != "\n" and end in line.lower():
                end = ""


def _end_of_html(found: re.Match[str]) -> str:
    """What ends the block that begins so; a line feed stands for a blank line."""
    if found["comment"]:
        return "-->"
    return f"</{found['raw'].lower()}>" if found["raw"] else "\n"


def _without_blank_ends(lines: Sequence[str]) -> Sequence[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]
