"""Blocks of the docs that need servers: a database and a broker of one's own, back-up, a probe."""

import json
import re
import urllib.parse

import psycopg
import pytest

from tests.deploy.doc_blocks import take_block
from tests.deploy.machine import running
from tests.servers.brokers import running_redis
from tests.servers.dovecot import free_ports
from tests.servers.postgresql import running_postgresql
from tests.servers.programs import require_program
from tests.waiting import can_connect, wait_until

SERVERS = take_block("docs/operating.md", "DATABASE_URL=postgres://")
BACK_UP = take_block("docs/operating.md", "pg_dump ")
ROUND_TRIP = take_block("docs/operating.md", "python manage.py check_incoming_email --round-trip")
ROW = "CREATE TABLE kept AS SELECT 7 AS number"

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture(scope="module")
def postgresql():
    """With the user and the database that the docs name."""
    with running_postgresql() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE letterbox SUPERUSER LOGIN PASSWORD 'password'")
            connection.execute("CREATE DATABASE letterbox OWNER letterbox")
        yield urllib.parse.urlsplit(url)


def test_servers_of_ones_own_are_set(place, postgresql):
    with running_redis() as redis:
        lines = SERVERS.text.replace("db.example.com:5432", f"127.0.0.1:{postgresql.port}")
        server = urllib.parse.urlsplit(redis).netloc
        path = place.write(".env", lines.replace("redis.example.com:6379", server))
        try:
            place.follow("python manage.py migrate --verbosity 0")
            said = place.run("python manage.py check_incoming_email --json").stdout
        finally:
            path.unlink()
    answers = {each["step"]: each["answer"] for each in json.loads(said)["findings"]}
    assert (answers["database"], answers["broker"]) == ("yes", "yes")


def test_a_back_up_can_be_put_back(place, postgresql):
    require_program("pg_dump", "sqlite3")
    connect = {"PGHOST": "127.0.0.1", "PGPORT": str(postgresql.port), "PGUSER": "letterbox"}
    with psycopg.connect(f"{postgresql.geturl().rpartition('/')[0]}/letterbox") as connection:
        connection.execute(ROW)
    place.follow(BACK_UP.text, **connect)
    (restore,) = re.findall(r"pg_restore -d NEW \S+", BACK_UP.text)
    put_back = restore.replace("NEW", "new")
    query = 'psql -At -d new -c "SELECT number FROM kept"'
    assert place.follow(f"createdb new\n{put_back}\n{query}", **connect) == "7\n"
    users = "SELECT count(*) FROM issues_user"
    counts = (place.follow(f'sqlite3 {name} "{users}"') for name in ("backup.sqlite3", DATABASE))
    assert len(set(counts)) == 1


DATABASE = "var/db.sqlite3"


def test_a_probe_comes_round(place):
    (port,) = free_ports(1)
    settings = {"SMTP_LISTENER_PORT": str(port), "EMAIL_URL": f"smtp://127.0.0.1:{port}"}
    machine = place.machine(WORKER_CONCURRENCY="1", **settings)
    processes = (
        (machine, ["python", "manage.py", "serve_smtp"]),
        (machine, ["celery", "-A", "config", "worker"]),
    )
    longest = re.sub(r"[][]", "", ROUND_TRIP.text).replace("NAME", "'Demo mailbox'")
    with running(processes):
        wait_until(lambda: can_connect(port))
        said = place.run(longest, **settings).stdout
    assert "round trip … yes" in said, said
