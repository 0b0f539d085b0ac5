"""What was measured, kept for the table of docs/reliability.md, which is written from it.

python -m tests.faults.figures writes its tables.
"""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "reliability"
"""One file for each row; what was measured last counts."""

PAGE = ROOT / "docs" / "reliability.md"
POINTS = """\
| journey | way in | database | points | killed at | lost | doubled | stuck | mails sent again |
|---|---|---|---|---|---|---|---|---|"""
FAULTS = """\
| fault | database | broker | mails | lost | doubled | seconds until mail flows |
|---|---|---|---|---|---|---|"""

KILLS = """\
| mails | kills | lost | doubled | minutes | private MB of all processes, first third | last third |
|---|---|---|---|---|---|---|"""


def add_point_figures(report: dict[str, Any]) -> None:
    """Of a journey that was cut at its points."""
    faults = report["faults"]
    cells = [report[name] for name in ("journey", "way", "database", "points", "tried")]
    cells += [sum(bool(fault[kind]) for fault in faults) for kind in ("lost", "doubled", "stuck")]
    _keep("points", [*cells, report["sent_again"]], key=cells[:3])


def add_fault_figures(name: str, **figures: str | int) -> None:
    """In the order of the table's columns."""
    cells = [name, *figures.values()]
    _keep("faults", cells, key=cells[:3])


def add_kill_figures(**figures: int) -> None:
    """In the order of the table's columns."""
    cells = list(figures.values())
    _keep("kills", cells, key=cells[:1])


def _keep(table: str, cells: list[Any], *, key: list[Any]) -> None:
    folder = FOLDER / table
    folder.mkdir(parents=True, exist_ok=True)
    name = "-".join(map(str, key)).replace(" ", "-")
    draft = folder / f"{name}.{os.getpid()}"
    draft.write_text(json.dumps(cells))
    draft.rename(folder / f"{name}.json")


def write_tables() -> None:
    """Between the marks in the page."""
    text = PAGE.read_text()
    for table, head in (("points", POINTS), ("faults", FAULTS), ("kills", KILLS)):
        begin, end = f"<!-- {table}: begin -->\n", f"<!-- {table}: end -->"
        rows = [json.loads(path.read_text()) for path in sorted((FOLDER / table).glob("*.json"))]
        lines = [head, *(f"| {' | '.join(map(str, cells))} |" for cells in rows)]
        before, after = text.partition(begin)[0], text.partition(end)[2]
        text = before + begin + "\n".join(lines) + "\n" + end + after
    PAGE.write_text(text)


if __name__ == "__main__":
    write_tables()
