"""Merge requests made of mailed patches, as a ratio to bare `git am` on the same patches.

    python benchmarks/merge_requests.py [--mails 100] [--patches 1] [--rounds 3] [--json]

Floor: `git am` in a work tree, one process a mail, with a reset to the first commit in between.
Ours: from a row of the ledger to a branch, a merge request, a version and an announcement, each
mail for a branch of its own. Both in this process's folder of temporary files, on SQLite.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.inboxes.base import RawMessage  # noqa: E402
from incoming_email.pipeline import processing, receiving  # noqa: E402
from issues.models import MergeRequest  # noqa: E402
from tests.clones import ENVIRONMENT, Clone, plant  # noqa: E402
from tests.incoming_email.patch_mails import attach  # noqa: E402
from tests.incoming_email.world import World, make_world  # noqa: E402

settings.LOGGING_CONFIG = None
FILES = {f"src/module{n}.py": f"value = {n}\n".encode() * 200 for n in range(200)}


def make_patches(clone: Clone, *, mails: int, patches: int) -> list[list[bytes]]:
    made = []
    for mail in range(mails):
        clone.git("reset", "--quiet", "--hard", "origin/HEAD")
        for number in range(patches):
            path = f"src/module{(mail + number) % len(FILES)}.py"
            before = (clone.folder / path).read_bytes()
            clone.write(path, before + f"changed = {mail}, {number}\n".encode())
            clone.commit(f"Change {mail} {number}")
        made.append(clone.patches())
    return made


def measure_floor(clone: Clone, made: list[list[bytes]]) -> float:
    clone.git("reset", "--quiet", "--hard", "origin/HEAD")
    folder = clone.folder / ".git" / "patches"
    folder.mkdir(exist_ok=True)
    files = []
    for number, patches in enumerate(made):
        files.append(folder / f"{number}.mbox")
        files[-1].write_bytes(b"".join(patches))
    environment = {"PATH": os.environ["PATH"], "HOME": str(clone.folder), **ENVIRONMENT}
    spent = 0.0
    for file in files:
        started = time.perf_counter()
        subprocess.run(
            ["git", "am", "--quiet", "--3way", str(file)],
            cwd=clone.folder,
            env=environment,
            check=True,
        )
        spent += time.perf_counter() - started
        clone.git("reset", "--quiet", "--hard", "origin/HEAD")
    return spent


def measure_ours(world: World, made: list[list[bytes]], label: str) -> float:
    messages = [
        RawMessage(f"{label}:{n}", attach(world, patches, subject=f"{label}-{n}"))
        for n, patches in enumerate(made)
    ]
    before = MergeRequest.objects.count()
    rows = receiving.store(world.mailbox, messages, now=timezone.now(), claimed=True)
    started = time.perf_counter()
    processing.process_claimed(rows, clock=timezone.now)
    spent = time.perf_counter() - started
    assert MergeRequest.objects.count() == before + len(made)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=100)
    parser.add_argument("--patches", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings.DATABASES["default"]["NAME"] = str(settings.DATA_DIR / "bench.sqlite3")
    call_command("migrate", verbosity=0)
    world = make_world()
    plant(world.issue.project, FILES)
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(world.issue.project, Path(folder) / "clone")
        made = make_patches(clone, mails=options.mails, patches=options.patches)
        rounds = []
        for number in range(options.rounds):
            floor = measure_floor(clone, made)
            rounds.append((floor, measure_ours(world, made, f"round{number}")))
    ratios = [ours / floor for floor, ours in rounds]
    shown = {
        "mails": options.mails,
        "patches": options.patches,
        "floor_seconds": round(statistics.median(floor for floor, _ in rounds), 2),
        "ours_seconds": round(statistics.median(ours for _, ours in rounds), 2),
        "merge_requests_a_second": round(
            options.mails / statistics.median(ours for _, ours in rounds), 1
        ),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }
    print(json.dumps(shown) if options.json else "\n".join(f"{k}: {v}" for k, v in shown.items()))


if __name__ == "__main__":
    main()
