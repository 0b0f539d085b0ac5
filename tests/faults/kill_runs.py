"""Cuts a journey at each of its points, starts what was killed anew, and compares the ends.

python -m tests.faults.kill_runs JOURNEY WAY --folder EMPTY [--sample COUNT --seed N], with
DATABASE_URL in the environment if it is not SQLite. Prints a report as JSON.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import django

from tests.faults.template_database import find_database
from tests.servers.dovecot import free_ports


def set_up(folder: Path) -> int:
    """Django as an installation in the folder has it; the port of its outgoing mail server."""
    sink, smtp, lmtp = free_ports(3)
    (folder / "data/tmp").mkdir(parents=True)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        DATA_DIR=str(folder / "data"),
        TMPDIR=str(folder / "data/tmp"),  # where the file broker keeps a message for a moment
        EMAIL_URL=f"smtp://127.0.0.1:{sink}",
        SMTP_LISTENER_PORT=str(smtp),
        LMTP_LISTENER_PORT=str(lmtp),
        BASE_URL="http://letterbox.localhost",
        LOG_LEVEL="ERROR",
    )
    django.setup()
    return sink


def prepare_process() -> None:
    """What each run would import again is imported once. The parser reads in the process itself:
    its child leaves nothing anywhere, and each run would have to wait for one."""
    from config.celery import app  # noqa: PLC0415  (these need Django)
    from incoming_email.parsing.message import parse  # noqa: PLC0415
    from incoming_email.pipeline import processing  # noqa: PLC0415

    app.loader.import_default_modules()
    app.finalize()
    processing.parse_all = lambda texts, pool=None: (
        parse(text.content, recipient=text.recipient) for text in texts
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("journey")
    parser.add_argument("way")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sink = set_up(given.folder)
    prepare_process()
    from tests.faults.cutting import Report, Runs, enumerate_points  # noqa: PLC0415

    database = find_database(given.folder / "data", given.folder / "kept")
    report = Report(given.journey, given.way, database.name)
    runs = Runs(given.folder, database, given.journey, given.way, sink)
    enumerate_points(runs, report, sample=given.sample, seed=given.seed)
    sys.stdout.write(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()
