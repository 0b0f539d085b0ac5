"""What was measured, kept for the table of docs/reliability.md, which is written from it.

python -m tests.faults.figures writes the table.
"""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "reliability"
"""One file a journey, way and database; the last one measured counts."""

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- kill points: begin -->", "<!-- kill points: end -->"
HEAD = """\
| journey | way in | database | points | killed at | lost | doubled | stuck | mails sent again |
|---|---|---|---|---|---|---|---|---|"""


def add_figures(report: dict[str, Any]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = "-".join((report["journey"], report["way"], report["database"])).replace(" ", "-")
    draft = FOLDER / f"{name}.{os.getpid()}"
    draft.write_text(json.dumps(report, indent=1))
    draft.rename(FOLDER / f"{name}.json")


def write_row(report: dict[str, Any]) -> str:
    counts = [
        sum(bool(fault.get(kind)) for fault in report["faults"])
        for kind in ("lost", "doubled", "stuck")
    ]
    cells = (
        *(report[name] for name in ("journey", "way", "database", "points", "tried")),
        *counts,
        report["sent_again"],
    )
    return f"| {' | '.join(map(str, cells))} |"


def write_table() -> None:
    """Between the marks in the page."""
    reports = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    table = "\n".join([HEAD, *map(write_row, reports)])
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


if __name__ == "__main__":
    write_table()
