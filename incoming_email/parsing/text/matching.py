"""A line of mail made plain, so that one rule fits what many programs print."""

import html
import re

MAX_LINE = 1000
"""Characters of a line that are looked at; the rest can't change its class."""

QUOTE_MARKS = (">", "＞", "\\>")

INVISIBLE = dict.fromkeys(
    [0xAD, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
)
_TRANSLATED = {**INVISIBLE, 0x2010: "-", 0x2011: "-"}
"""Proton once drew its rules with hyphens that are no minus signs."""

_GROUPWISE = re.compile(r">>> \S[^\n]{0,200}\d[^\n]{0,20} >>>$")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\(<?[^()<>\s]*>?\)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_EMPHASIS = re.compile(r"(?<![^\W_])[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?![^\W_])")
_QUOTE_MARKS = re.compile(r"^(?:[ \t]{0,3}\\?[>＞])+[ \t]?")


def plain(line: str) -> str:
    """`line` without markup, invisible marks, entities or runs of blanks; case is kept."""
    line = line[:MAX_LINE]
    if not line.isascii():
        line = line.translate(_TRANSLATED)
    if "&" in line:
        line = html.unescape(line)
    if "\\" in line:
        line = _ESCAPE.sub(r"\1", line)
    if "](" in line:
        line = _LINK.sub(r"\1", line)
    if "*" in line or "_" in line:
        bare = _EMPHASIS.sub("", line)
        line = bare if bare.strip() else line  # a rule of underscores is no emphasis
    return " ".join(line.split())


def is_quote(line: str) -> bool:
    """Whether a quote mark begins the line (RFC 3676 section 4.5, blanks before it allowed)."""
    stripped = line.lstrip(" \t")
    return stripped.startswith(QUOTE_MARKS) and not is_groupwise(stripped)


def is_groupwise(line: str) -> bool:
    """'>>> Ann <a@example.com> 3/5/2024 10:00 AM >>>': no quote mark, but what introduces one."""
    return line.startswith(">>> ") and _GROUPWISE.match(line) is not None


def unquote(line: str) -> str:
    """`line` without its quote marks."""
    return _QUOTE_MARKS.sub("", line[:MAX_LINE])
