"""Run by test_silent_network in a network of its own: packets to the database vanish.

Prints how many seconds a unit of work took to fail, first in the middle of a conversation, then
after a pause in which the kernel asked for a sign of life.
"""

import json
import os
import subprocess
import sys
import time

import django

from tests.servers.postgresql import running_server

PAUSE_SECONDS = 30
"""More than keepalives_idle + keepalives_count * keepalives_interval of config/databases.py."""


def run(*words: str) -> None:
    subprocess.run(words, check=True)


def change_rules(how: str, port: int) -> None:
    """What goes to the server and what comes from it."""
    for end in ("--dport", "--sport"):
        run("iptables", how, "INPUT", "-p", "tcp", end, str(port), "-j", "DROP")


def ask() -> None:
    from django.db import connection  # noqa: PLC0415  (its settings need the server)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def measure_fault() -> float:
    from issues import connections  # noqa: PLC0415

    begun = time.monotonic()
    try:
        with connections.unit_of_work():
            ask()
    except connections.AWAY:
        return time.monotonic() - begun
    sys.exit("nothing failed")


def main() -> None:
    run("ip", "link", "set", "lo", "up")
    with running_server() as server:
        os.environ["DATABASE_URL"] = server.url
        django.setup()
        from issues import connections  # noqa: PLC0415

        seconds = []
        for pause in (0, PAUSE_SECONDS):
            with connections.unit_of_work():
                ask()
            change_rules("-A", server.port)
            time.sleep(pause)
            seconds.append(measure_fault())
            change_rules("-D", server.port)
        with connections.unit_of_work():
            ask()
    print(json.dumps(seconds))  # noqa: T201


if __name__ == "__main__":
    main()
