"""What the Dockerfile's last stage has in it, made of the project's folder without Docker."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from tests.deploy.reading import ROOT, read_image

WILDCARDS = re.compile(r"\*\*/|\*\*|\*|\?")
MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def read_ignored(lines: Sequence[str]) -> Callable[[str], bool]:
    """Whether `.dockerignore` with these lines keeps a path out of the build: the last rule that
    matches it, or a folder that it lies in, decides."""
    rules = [
        (not line.startswith("!"), _compile(line.removeprefix("!").strip("/")))
        for line in map(str.strip, lines)
        if line and not line.startswith("#")
    ]

    def is_ignored(path: str) -> bool:
        answers = [is_out for is_out, pattern in rules if pattern.fullmatch(path)]
        return answers[-1] if answers else False

    return is_ignored


def _compile(rule: str) -> re.Pattern[str]:
    plain = map(re.escape, WILDCARDS.split(rule))
    wild = [MEANINGS[each] for each in WILDCARDS.findall(rule)]
    pieces = [piece for pair in zip(plain, [*wild, ""], strict=True) for piece in pair]
    return re.compile("".join(pieces) + "(?:/.*)?")


def make_image(folder: Path, *, source: Path = ROOT) -> Path:
    """The folder that WORKDIR names, filled by the COPY instructions; `folder` stands for `/`."""
    workdir = PurePosixPath("/")
    is_ignored = read_ignored((source / ".dockerignore").read_text().splitlines())
    for word, rest in read_image():
        if word == "WORKDIR":
            workdir /= rest
        elif word == "COPY" and not rest.startswith("--from="):
            *names, target = rest.split()
            into = folder / str(workdir / target).lstrip("/")
            for name in names:
                _copy(source, name, into, is_ignored, is_folder=target.endswith("/"))
    return folder / str(workdir).lstrip("/")


def _copy(
    source: Path, name: str, into: Path, is_ignored: Callable[[str], bool], *, is_folder: bool
) -> None:
    """As COPY does: of a folder its contents, and an error for what the build does not get."""
    files = [file for file in _files_of(source, name) if not is_ignored(file)]
    assert files, f"COPY finds no {name}"
    for file in files:
        inside = PurePosixPath(file).relative_to(name)
        target = into / (inside if inside.parts else name if is_folder else "")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / file, target)


def _files_of(source: Path, name: str) -> Iterator[str]:
    start = source / name
    paths = start.rglob("*") if start.is_dir() else [start]
    return (str(path.relative_to(source)) for path in paths if path.is_file())
