"""Letterbox's side of throughput.py, in a process of its own: `prepare` a database, then `run`.

`prepare` makes 50 people with a reply key each and prints the addresses; `run` takes in what
waits, from IMAP to notes and ledger rows, and prints seconds, statements and memory as JSON.
"""

import json
import os
import resource
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, ".")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from incoming_email.keys import reply_keys  # noqa: E402
from incoming_email.models import InboundEmail, Mailbox  # noqa: E402
from incoming_email.pipeline import fetching  # noqa: E402
from issues import services  # noqa: E402
from issues.models import Note, Role  # noqa: E402

PEOPLE = 50
QUARTER = 4


def prepare(port: str, user: str, password: str) -> None:
    call_command("migrate", verbosity=0)
    name, _, domain = user.partition("@")
    Mailbox.objects.create(
        name="bench",
        enabled=True,
        address=f"{name}+%{{key}}@{domain}",
        host="127.0.0.1",
        port=int(port),
        user=user,
        password=password,
    )
    project = services.create_project(path="bench/project")
    people = []
    for number in range(PEOPLE):
        person = services.create_user(
            username=f"p{number}", email=f"p{number}@example.com", password=None
        )
        services.add_member(project=project, user=person, role=Role.DEVELOPER)
        people.append(person)
    issue = services.create_issue(project=project, author=people[0], title="Bench")
    routes = reply_keys.reply_routes(recipients=people, item=issue, discussion="")
    print(json.dumps([[person.email, routes[person.pk].reply_to] for person in people]))


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(expected: str) -> None:
    statements = 0
    quarter_mib = 0.0
    taken = 0

    def count(execute, sql, params, many, context):
        nonlocal statements
        statements += len(params) if many else 1
        return execute(sql, params, many, context)

    def progress(new: int) -> None:
        nonlocal taken, quarter_mib
        taken += new
        if taken <= int(expected) // QUARTER:
            quarter_mib = peak_mib()

    mailbox = Mailbox.objects.get()
    with connection.execute_wrapper(count):
        begun = time.perf_counter()
        fetching.fetch(mailbox, holder="bench", clock=timezone.now, on_progress=progress)
        seconds = time.perf_counter() - begun
    print(
        json.dumps(
            {
                "messages": taken,
                "notes": Note.objects.count(),
                "processed": InboundEmail.objects.filter(status="processed").count(),
                "seconds": seconds,
                "statements": statements,
                "quarter_mib": quarter_mib,
                "peak_mib": peak_mib(),
            }
        )
    )


if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1]](*sys.argv[2:])
