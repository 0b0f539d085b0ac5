"""`make unmaintained`: which pinned packages had no release for two years, by the index.

The index is that of PIP_INDEX_URL, else PyPI. Exit status 1 where it did not answer for all.
"""

import json
import os
import re
import sys
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PINS = ("requirements.in", "requirements-dev.in")
PIN = re.compile(r"(?m)^([\w.-]+)(?:\[.*\])?==([^\s;]+)")
JSON = "application/vnd.pypi.simple.v1+json"
"""Of the simple API (PEP 691); files have dates since its version 1.1 (PEP 700)."""

PATIENCE = timedelta(days=730)
AT_ONCE = 4
TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What the index says of one pinned package."""

    package: str
    """`name version`, as it is pinned."""

    newest: datetime | None = None
    """When its newest file came; None where the index does not say."""

    fault: str = ""


def ask(index: str, name: str, version: str) -> Answer:
    """Never raises: a fault is part of the answer."""
    package, url = f"{name} {version}", f"{index.rstrip('/')}/{normalize(name)}/"
    try:
        request = urllib.request.Request(url, headers={"Accept": JSON})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            told = answer.headers.get_content_type() == JSON
            return Answer(package, find_newest(json.load(answer)) if told else None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        return Answer(package, fault=f"{type(fault).__name__}: {fault}")


def normalize(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_newest(page: dict[str, Any]) -> datetime | None:
    """Withdrawn files are no release."""
    times = [file.get("upload-time") for file in page["files"] if not file.get("yanked")]
    return max((datetime.fromisoformat(time) for time in times if time), default=None)


def tell(answers: Iterable[Answer], *, now: datetime) -> Iterable[str]:
    """A line for each package that somebody should look at."""
    for each in answers:
        if each.fault:
            yield f"{each.package}: the index did not answer ({each.fault})"
        elif each.newest is None:
            yield f"{each.package}: the index gives no dates"
        elif each.newest < now - PATIENCE:
            yield f"{each.package}: no release since {each.newest:%Y-%m-%d}"


def main() -> int:
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    pins = [pin for name in PINS for pin in PIN.findall((ROOT / name).read_text())]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda pin: ask(index, *pin), pins))
    for line in tell(answers, now=datetime.now(UTC)):
        print(line)  # noqa: T201
    print(f"{len(pins)} packages asked for.")  # noqa: T201
    return int(any(each.newest is None for each in answers))


if __name__ == "__main__":
    sys.exit(main())
