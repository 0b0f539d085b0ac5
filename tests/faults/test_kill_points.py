"""Letterbox dies by SIGKILL at each point of a journey, and is started again: nothing is lost, done
twice or stuck.

`make test` takes some points of each journey and each way, other ones each time; `make test-deep`
takes all, and PostgreSQL as well.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.figures import add_point_figures
from tests.journeys.installation import ROOT
from tests.servers.postgresql import running_postgresql
from tests.servers.programs import require_program

pytestmark = [pytest.mark.slow]
SAMPLE = 4
"""Points of each journey in a run of every day."""

DEADLINE_SECONDS = 4 * 3600

CUT = [
    ("reply", "imap"),
    ("reply", "smtp"),
    ("new issue", "graph"),
    ("new issue", "lmtp"),
    ("ticket", "maildir"),
    ("merge request", "maildir"),
    ("notification", "none"),
    ("notification, server cuts", "none"),
    ("decisions of people", "none"),
    ("purge", "none"),
    ("mark as spam", "none"),
    ("not spam", "none"),
    ("held spam released", "none"),
]
MORE = [
    *(("new issue", way) for way in ("imap", "maildir", "smtp")),
    ("reply", "graph"),
    ("ticket", "smtp"),
    ("merge request", "imap"),
]


NEEDED = {"graph": ["openssl"]}
"""Programs that a way in needs, beside git."""


def cut(folder: Path, journey: str, way: str, *, url: str = "", **options: int) -> dict:
    """The report."""
    require_program(*NEEDED.get(way, ()))
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    given = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kill_runs", journey, way, "--folder", folder, *words],
        cwd=ROOT,
        env=given | ({"DATABASE_URL": url} if url else {}),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def assert_whole(report):
    assert report["tried"] > 0
    shown = json.dumps(report["faults"], indent=1)
    assert report["faults"] == [], f"{report['journey']} by {report['way']}: {shown}"


@pytest.mark.parametrize(("journey", "way"), CUT)
def test_killed_at_some_points(tmp_path, journey, way):
    assert_whole(cut(tmp_path, journey, way, sample=SAMPLE, seed=random.randrange(10**6)))


@pytest.mark.deep
@pytest.mark.fault
@pytest.mark.timeout(DEADLINE_SECONDS)
@pytest.mark.parametrize(("journey", "way"), [*CUT, *MORE])
def test_killed_at_every_point(tmp_path, journey, way):
    report = cut(tmp_path, journey, way)
    add_point_figures(report)
    assert_whole(report)


@pytest.mark.deep
@pytest.mark.fault
@pytest.mark.services
@pytest.mark.timeout(DEADLINE_SECONDS)
@pytest.mark.parametrize(("journey", "way"), CUT)
def test_killed_at_every_point_on_postgresql(tmp_path, journey, way):
    with running_postgresql() as url:
        report = cut(tmp_path, journey, way, url=url)
    add_point_figures(report)
    assert_whole(report)


def test_an_effect_that_commits_before_its_record_is_seen_twice(tmp_path):
    (fault,) = cut(tmp_path, "effect before its record", "none")["faults"]
    assert (fault["lost"], fault["stuck"]) == ([], [])
    assert fault["what"].startswith('UPDATE "issues_announcement"')
    assert "row of issues.Note" in fault["doubled"]


def test_a_record_that_commits_before_its_effect_is_seen_lost(tmp_path):
    faults = cut(tmp_path, "record before its effect", "none")["faults"]
    assert all("row of issues.Note" in fault["lost"] for fault in faults)
    assert [fault["doubled"] or fault["stuck"] for fault in faults] == [[]] * len(faults)
    assert faults[-1]["what"].startswith('INSERT INTO "issues_note"')
