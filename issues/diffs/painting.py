"""Every line of a diff gets its HTML, in colours as far as time allows."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from issues.diffs import colouring
from issues.diffs.letters import Piece, is_same, show_pieces, show_text
from issues.diffs.types import ChangedFile, Diff, Hunk, Line, Side

PROGRAM = (sys.executable, "-I", str(Path(colouring.__file__)))
MAX_TEXT_LENGTH = 100_000
"""Characters of one side of a hunk; longer ones stay plain."""


def paint(diff: Diff) -> Diff:
    """Colouring by a process that is killed when it takes too long; what it did until then counts.

    The two sides of a hunk are read apart, since each is (a part of) a program and both are not.
    """
    jobs = [job for file in diff.files for hunk in file.hunks for job in _split(file, hunk)]
    looks, is_whole = _run(jobs)
    answers = iter(looks)
    files = tuple(
        replace(file, hunks=tuple(_paint_hunk(hunk, answers) for hunk in file.hunks))
        for file in diff.files
    )
    return replace(diff, files=files, is_coloured=is_whole)


Job = tuple[str, str]
Answer = Sequence[Sequence[Piece]]


def _split(file: ChangedFile, hunk: Hunk) -> Iterator[Job]:
    for path, side in ((file.old_path, Side.OLD), (file.path, Side.NEW)):
        text = "\n".join(line.text for line in _lines_of(hunk, side))
        yield path.rpartition("/")[2], text if len(text) <= MAX_TEXT_LENGTH else ""


def _lines_of(hunk: Hunk, side: Side) -> list[Line]:
    """Context is read on the new side; on the old one only where something was removed."""
    if side is Side.NEW:
        return [line for line in hunk.lines if line.new is not None]
    lines = [line for line in hunk.lines if line.old is not None]
    return lines if any(line.new is None for line in lines) else []


def _run(jobs: Sequence[Job]) -> tuple[list[Answer], bool]:
    if not jobs:
        return [], True
    given = "".join(json.dumps(job) + "\n" for job in jobs).encode()
    try:
        done = subprocess.run(  # noqa: S603  (our own program; no shell)
            PROGRAM,
            input=given,
            capture_output=True,
            check=False,
            timeout=settings.DIFF_COLOUR_TIMEOUT_SECONDS,
        )
        out = done.stdout
    except subprocess.TimeoutExpired as late:
        out = late.stdout or b""
    answers = [_read_answer(line) for line in out.splitlines(keepends=True)]
    is_whole = len(answers) == len(jobs) and out.endswith(b"\n")
    return answers + [()] * (len(jobs) - len(answers)), is_whole


def _read_answer(line: bytes) -> Answer:
    """A line that was cut by the kill is no answer."""
    if not line.endswith(b"\n"):
        return ()
    return [[(look, text) for look, text in pieces] for pieces in json.loads(line) or ()]


def _paint_hunk(hunk: Hunk, answers: Iterator[Answer]) -> Hunk:
    found: dict[tuple[int | None, int | None], Sequence[Piece]] = {}
    for side in (Side.OLD, Side.NEW):
        answer = next(answers)
        for line, pieces in zip(_lines_of(hunk, side), answer, strict=False):
            found[line.old, line.new] = pieces
    return replace(
        hunk,
        lines=tuple(_paint_line(line, found.get((line.old, line.new), ())) for line in hunk.lines),
    )


def _paint_line(line: Line, pieces: Sequence[Piece]) -> Line:
    coloured = pieces and is_same(pieces, line.text)
    return replace(line, html=show_pieces(pieces) if coloured else show_text(line.text))
