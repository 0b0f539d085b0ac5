"""What a patch is made of, and whether it arrived whole."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_DIFF = re.compile(rb"^diff --git |^--- [^\r\n]*\r?\n\+\+\+ ", re.MULTILINE)
_HUNK = re.compile(rb"@@ -[0-9]{1,9}(?:,([0-9]{1,9}))? \+[0-9]{1,9}(?:,([0-9]{1,9}))? @@")
_HEAD = re.compile(rb"^diff --git ", re.MULTILINE)
_OLD_HEAD = re.compile(rb"^--- [^\r\n]*\r?\n\+\+\+ ", re.MULTILINE)
_LITERAL = re.compile(rb"^literal ([0-9]{1,15})\r?$", re.MULTILINE)
_EMPTY_LINES = {b"", b"\r"}


@dataclass(frozen=True, slots=True)
class PatchSummary:
    files: int
    longest_line: int
    """In bytes."""

    unpacked: int
    """Bytes of the binary files that it brings whole."""

    is_whole: bool
    """Every hunk has the lines that its `@@` promises: no mail program wrapped or cut them."""


def has_diff(content: bytes) -> bool:
    """Also for patches without hunks: a new empty file, a rename, a change of mode."""
    return bool(_DIFF.search(content))


def summarize(content: bytes) -> PatchSummary:
    lines = content.split(b"\n")
    return PatchSummary(
        files=max(len(_HEAD.findall(content)), len(_OLD_HEAD.findall(content))),
        longest_line=max(map(len, lines)),
        unpacked=sum(int(match[1]) for match in _LITERAL.finditer(content)),
        is_whole=hunks_are_whole(lines),
    )


def hunks_are_whole(lines: Sequence[bytes]) -> bool:
    """`lines` are split at LF, so the last one is empty if the text ends as it should."""
    old = new = 0
    for line in lines[:-1] if lines and not lines[-1] else lines:
        if not (old or new):
            if match := _HUNK.match(line):
                old, new = (1 if count is None else int(count) for count in match.groups())
            continue
        mark = line[:1]
        if mark == b"\\":
            continue
        if mark in {b" ", b"-"} or line in _EMPTY_LINES:
            old -= 1
        if mark in {b" ", b"+"} or line in _EMPTY_LINES:
            new -= 1
        if old < 0 or new < 0 or not (mark in {b" ", b"-", b"+"} or line in _EMPTY_LINES):
            return False
    return not (old or new)
