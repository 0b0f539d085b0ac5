"""Literals of Ruby: texts, numbers, true, false, nil and hashes. Nothing is ever evaluated."""

import re
from dataclasses import dataclass

from incoming_email.config_files.types import Literal

MAX_DEPTH = 5
_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*(?:\n|\Z))*")
_WORD = re.compile(r"(?:true|false|nil)(?![\w.?!(])")
_NUMBER = re.compile(r"-?\d+(?:_\d+)*(?P<fraction>\.\d+(?:_\d+)*)?(?![\w.])")
_SINGLE = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_LABEL = re.compile(r"([A-Za-z_]\w*):(?!:)")
_SYMBOL = re.compile(r":([A-Za-z_]\w*)")
_INTERPOLATION = re.compile(r"(?<!\\)(?:\\\\)*#[{$@]")
_ESCAPE = re.compile(
    r"\\(?:u\{(?P<braced>[0-9A-Fa-f]{1,6})\}|u(?P<unicode>[0-9A-Fa-f]{4})"
    r"|x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})|(?P<char>.))",
    re.DOTALL,
)
_CONTROLS = {
    "n": "\n", "t": "\t", "s": " ", "r": "\r", "e": "\x1b", "a": "\a", "b": "\b", "f": "\f",
    "v": "\v", "\n": "",
}  # fmt: skip
_WORDS: dict[str, Literal] = {"true": True, "false": False, "nil": None}


class NotLiteral(ValueError):
    """Raised where no literal is at `position`."""

    def __init__(self, position: int) -> None:
        super().__init__(str(position))
        self.position = position


@dataclass(frozen=True, slots=True)
class Read:
    value: Literal
    end: int
    """Position behind it."""


def skip_blank(text: str, at: int) -> int:
    """Behind white space, line ends and comments."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def read_literal(text: str, at: int, *, depth: int = 0) -> Read:
    """The literal that begins there, blank space before it skipped. Raises NotLiteral."""
    at = skip_blank(text, at)
    if match := _WORD.match(text, at):
        return Read(_WORDS[match[0]], match.end())
    if match := _NUMBER.match(text, at):
        digits = match[0].replace("_", "")
        return Read(float(digits) if match["fraction"] else _read_integer(digits, at), match.end())
    if text.startswith("{", at) and depth < MAX_DEPTH:
        return _read_hash(text, at + 1, depth=depth + 1)
    return _read_text(text, at)


def _read_integer(digits: str, at: int) -> int:
    """A leading 0 makes it octal in Ruby: it is refused rather than guessed."""
    plain = digits.lstrip("-")
    if len(plain) > 18 or (len(plain) > 1 and plain.startswith("0")):  # noqa: PLR2004
        raise NotLiteral(at)
    return int(digits)


def _read_text(text: str, at: int) -> Read:
    if match := _SINGLE.match(text, at):
        return Read(re.sub(r"\\([\\'])", r"\1", match[1]), match.end())
    match = _DOUBLE.match(text, at)
    if match is None or _INTERPOLATION.search(match[1]):
        raise NotLiteral(at)
    return Read(_ESCAPE.sub(_unescape, match[1]), match.end())


def _unescape(match: re.Match[str]) -> str:
    digits = match["braced"] or match["unicode"] or match["hex"]
    if digits or match["octal"]:
        number = int(digits, 16) if digits else int(match["octal"], 8)
        return chr(number) if number <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"  # noqa: PLR2004
    return _CONTROLS.get(match["char"], match["char"])


def _read_hash(text: str, at: int, *, depth: int) -> Read:
    values: dict[str, Literal] = {}
    at = skip_blank(text, at)
    while not text.startswith("}", at):
        key, at = _read_key(text, at)
        read = read_literal(text, at, depth=depth)
        values[key] = read.value
        at = skip_blank(text, read.end)
        if text.startswith(",", at):
            at = skip_blank(text, at + 1)
        elif not text.startswith("}", at):
            raise NotLiteral(at)
    return Read(values, at + 1)


def _read_key(text: str, at: int) -> tuple[str, int]:
    """`key:`, `'key':`, `'key' =>` or `:key =>`, and the position behind it."""
    if match := _LABEL.match(text, at):
        return match[1], match.end()
    if match := _SYMBOL.match(text, at):
        key, end = match[1], match.end()
    else:
        read = _read_text(text, at)
        key, end = str(read.value), read.end
        if text.startswith(":", end):
            return key, end + 1
    arrow = skip_blank(text, end)
    if not text.startswith("=>", arrow):
        raise NotLiteral(at)
    return key, arrow + 2
