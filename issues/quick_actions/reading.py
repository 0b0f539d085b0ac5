"""Takes a text apart into what is said and what is to be done. Pure but for the language.

A command stands at the very start of a line of the writer's own words: `/name`, then a blank and
its argument. In code, quotes and HTML it is text; so is `\\/name`. What is no command stays in the
text, whatever it looks like; its writer is told where it was most likely meant as one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues.own_lines import find_own_lines
from issues.quick_actions.types import Command, QuickAction, Reading, Refusal

COMMAND = re.compile(r"/(?P<name>[a-z][a-z_]{0,39})(?:[ \t]+(?P<argument>.*))?", re.IGNORECASE)
FOLDERS = frozenset(
    {
        *("bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root"),
        *("run", "sbin", "srv", "sys", "tmp", "usr", "var"),
    }
)
"""A line that is one of these is a path. `/etc/passwd` does not even look like a command."""

UNKNOWN = _("There is no such quick action. The line stays in the text.")
SLIP = _("There is no such quick action; is /%(name)s meant? The line stays in the text.")
WRITTEN_OTHERWISE = _("It is written like this: %(usage)s. The line stays in the text.")
TOO_MANY = _("A text may hold at most %(limit)s quick actions. The line stays in the text.")

MAX_DOUBTS = 20
"""More are not told: the text is then most likely no text for people."""

MAX_GUESSES = 50
"""Unknown names of one text that are compared with the known ones."""

_HTML = re.compile(
    r" {0,3}<(?:(?P<raw>pre|script|style|textarea)|(?P<comment>!--)|/?(?:address|article|aside"
    r"|blockquote|body|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form"
    r"|h[1-6]|header|hr|html|iframe|li|main|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead"
    r"|tr|ul))(?(comment)|(?=[\s/>]|$))",
    re.IGNORECASE,
)
"""What begins an HTML block (CommonMark 4.6, kinds 1, 2 and 6)."""


def read_text(text: str, actions: Mapping[str, QuickAction], *, limit: int) -> Reading:
    """Never raises; linear in the length. At most `limit` commands are taken."""
    if "/" not in text:
        return Reading(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader = _Reader(actions, limit)
    kept = [
        line
        for line, live in zip(lines, _find_live(lines), strict=True)
        if not (live and line.startswith("/") and reader.take(line))
    ]
    rest = "\n".join(_without_blank_ends(kept)) if reader.commands else text
    return Reading(rest, tuple(reader.commands), tuple(reader.doubts))


@dataclass(slots=True)
class _Reader:
    """Gathers the commands and doubts of one text."""

    actions: Mapping[str, QuickAction]
    limit: int
    commands: list[Command] = field(default_factory=list)
    doubts: list[Refusal] = field(default_factory=list)
    guesses: dict[str, str] = field(default_factory=dict)

    def take(self, line: str) -> bool:
        """Whether the line is a command, and so no part of the text."""
        line = line.rstrip()
        found = COMMAND.fullmatch(line)
        if found is None:
            return False
        name, argument = found["name"].lower(), (found["argument"] or "").strip()
        action = self.actions.get(name)
        if action is None:
            self._doubt_name(line, name, argument)
        elif not action.fits(argument):
            self._doubt(line, WRITTEN_OTHERWISE, usage=action.usage)
        elif len(self.commands) == self.limit:
            self._doubt(line, TOO_MANY, limit=str(self.limit))
        else:
            self.commands.append(Command(line, action, argument))
            return True
        return False

    def _doubt(self, line: str, why: Promise, **values: str) -> None:
        if len(self.doubts) < MAX_DOUBTS:
            self.doubts.append(Refusal(line, str(why) % values))

    def _doubt_name(self, line: str, name: str, argument: str) -> None:
        """A word alone on its line was meant; one with words after it, if it is a slip of one."""
        guess = self._guess(name)
        if guess:
            self._doubt(line, SLIP, name=guess)
        elif not argument and len(name) > 1 and name not in FOLDERS:
            self._doubt(line, UNKNOWN)

    def _guess(self, name: str) -> str:
        if name not in self.guesses:
            if len(self.guesses) == MAX_GUESSES:
                return ""
            close = get_close_matches(name, self.actions, n=1, cutoff=0.75)
            self.guesses[name] = close[0] if close and name not in FOLDERS else ""
        return self.guesses[name]


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
            end = (
                "-->"
                if found["comment"]
                else f"</{found['raw'].lower()}>"
                if found["raw"]
                else "\n"
            )
            if end != "\n" and end in line.lower():
                end = ""


def _without_blank_ends(lines: Sequence[str]) -> Sequence[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]
