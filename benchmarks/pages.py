"""Time of each page with a thousand rows and with a million, as a ratio of the same run.

    python benchmarks/pages.py [--rows 1000000] [--base 1000] [--rounds 5] [--json]

Needs PostgreSQL, which it starts itself on loopback. Every table of mail gets so many rows: the
ledger, outgoing mail, notes and issues. Rendering alone is a constant, so a page that reads all
rows stands out. Hours of the ledger are summed before each measurement, as the upkeep does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import django  # noqa: E402

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings_test"
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from incoming_email.models import InboundEmail  # noqa: E402
from incoming_email.monitoring import figures  # noqa: E402
from issues.models import Issue, Note, OutgoingEmail, Project  # noqa: E402
from tests.journeys.furnishing import furnish  # noqa: E402
from tests.servers.postgresql import environment_with, running_postgresql  # noqa: E402

RATIO = 1.2
"""More is marked."""

FINAL = "status IN ('processed', 'ignored', 'rejected')"
STEP = "interval '20 seconds'"


def clone(model: Any, count: int, where: str, **changed: str) -> None:
    """So many copies of the rows that there are, each older by a step than the one before."""
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    given = ", ".join(changed.get(name, f"base.{name}") for name in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH base AS (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place,"
            f" count(*) OVER () AS many FROM {table} WHERE {where})"
            f" INSERT INTO {table} ({', '.join(columns)}) SELECT {given} FROM generate_series("
            f"(SELECT count(*) FROM {table}), %s) AS g JOIN base ON base.place = g %% base.many",
            [count],
        )


def fill(count: int) -> None:
    past = {
        name: f"base.{name} - g * {STEP}" for name in ("received_at", "finished_at", "created_at")
    }
    clone(
        InboundEmail,
        count,
        FINAL,
        **past,
        source_id="'copy-' || g",
        message_id="'<copy-' || g || '@example.com>'",
        sender="'person' || g || '@customer.example'",
        effect_key="NULL",
        counted_at="NULL",
    )
    clone(
        OutgoingEmail,
        count,
        "state = 'sent'",
        **past,
        sent_at=f"base.sent_at - g * {STEP}",
        effect_key="'copy-' || g",
        message_id="'<copy-' || g || '@letterbox.localhost>'",
    )
    clone(Issue, count, "NOT confidential", **past, iid="1000 + g")
    # An issue in an hundred thousand has notes by the thousand; each of these has one.
    clone(
        Note,
        count,
        "issue_id IS NOT NULL",
        **past,
        issue_id="(SELECT max(id) FROM issues_issue) - g",
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def find_pages(user: Any) -> Iterator[str]:
    """Of the console: each list and the oldest row of each; the dashboard; those of the team."""
    for name in ("admin:index", "dashboard"):
        yield reverse(name)
    yield f"{reverse('dashboard')}?period=month"
    ledger = reverse("admin:incoming_email_inboundemail_changelist")
    yield f"{ledger}?status__exact=processed"
    yield f"{ledger}?status__exact=held"
    for words in ("person777@", "customer.example", "person7 example.com"):
        yield f"{ledger}?q={words.replace(' ', '+')}"
    yield reverse("admin:incoming_email_inboundemail_failed")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        if row := model._default_manager.order_by("pk").first():
            yield reverse(f"{name}_change", args=[row.pk])
    project = Project.objects.earliest("pk")
    for name in ("issue-list", "ticket-list", "merge-request-list"):
        yield reverse(name, args=[project.path])
    yield reverse("issue-detail", args=[project.path, 1])
    yield "/health/"


def measure(pages: list[str], user: Any, rounds: int) -> dict[str, float]:
    """Seconds of each page, the quickest of some: what else the machine does only adds."""
    client = Client(headers={"host": urlsplit(settings.BASE_URL).netloc})
    client.force_login(user)
    found = {}
    for page in pages:
        seconds = []
        for _ in range(rounds):
            began = time.monotonic()
            answer = client.get(page)
            seconds.append(time.monotonic() - began)
            assert answer.status_code in {200, 503}, (page, answer.status_code)
        found[page] = min(seconds)
    return found


def run(base: int, rows: int, rounds: int) -> list[dict[str, Any]]:
    call_command("migrate", verbosity=0)
    call_command("createcachetable")
    with tempfile.TemporaryDirectory() as folder:
        furnished = furnish(Path(folder))
        fill(base)
        figures.sum_changed_hours()
        pages = list(find_pages(furnished.admin))
        small = measure(pages, furnished.admin, rounds)
        fill(rows)
        figures.sum_changed_hours()
        large = measure(pages, furnished.admin, rounds)
    return [
        {"page": p, "ms": small[p] * 1e3, "ms_large": large[p] * 1e3, "ratio": large[p] / small[p]}
        for p in pages
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if "postgresql" not in connection.settings_dict["ENGINE"]:
        with running_postgresql() as url:
            words = [sys.executable, __file__, *sys.argv[1:]]
            sys.exit(subprocess.run(words, env=environment_with(url), check=False).returncode)
    found = run(given.base, given.rows, given.rounds)
    if given.json:
        print(json.dumps(found))
        return
    print(f"| page | ms with {given.base} rows | ms with {given.rows} | ratio |\n|---|---|---|---|")
    for each in sorted(found, key=lambda each: -each["ratio"]):
        mark = " !" if each["ratio"] > RATIO else ""
        print(
            f"| `{each['page']}` | {each['ms']:.1f} | {each['ms_large']:.1f} |"
            f" {each['ratio']:.2f}{mark} |"
        )


if __name__ == "__main__":
    main()
