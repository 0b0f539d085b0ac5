"""DATABASE_URL in each form that PostgreSQL documents: it connects, or a sentence says why not."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.utils import ConnectionHandler

from config import databases
from config.database_url import parse_database_url
from tests.servers.postgresql import running_server

NAMES = ("HOST", "PORT", "USER", "PASSWORD", "NAME")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgres://u@%2Fvar%2Frun%2FPg/n", ("/var/run/Pg", "", "u", "", "n")),
        ("postgres://u:p@%2frun%2fpg:5433/n", ("/run/pg", 5433, "u", "p", "n")),
        ("postgres:///n?host=/run/pg", ("/run/pg", "", "", "", "n")),
        ("postgres:///n?host=%2Frun%2Fpg&port=5433", ("/run/pg", "5433", "", "", "n")),
        ("postgres://h?user=u&password=0123&dbname=n", ("h", "", "u", "0123", "n")),
        ("postgres://u:p#a@h/n", ("h", "", "u", "p#a", "n")),
        ("postgres:////run/pg/n", ("/run/pg", "", "", "", "n")),
    ],
)
def test_where_the_database_is(url, place):
    database = parse_database_url(url, name="A_DATABASE")
    assert tuple(database[name] for name in NAMES) == place
    assert database["OPTIONS"] == {}


def test_options_have_the_types_that_django_wants():
    options = "conn_max_age=5&disable_server_side_cursors=false&sslmode=require&keepalives_idle=7"
    database = parse_database_url(f"postgres://u@h/n?{options}", name="A_DATABASE")
    assert database["CONN_MAX_AGE"] == 5
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is False
    assert database["OPTIONS"] == {"sslmode": "require", "keepalives_idle": "7"}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://u:s3cret@h/n?pool=true", "its option 'pool'. Remove it: threads keep"),
        ("postgres://u:s3cret@h/n?bogus=1", "its option 'bogus'. Remove it: possible are"),
        ("postgres://u:s3cret@h/n?row_factory=x", "its option 'row_factory'. Remove it:"),
        ("postgres://u:s3cret@h/n?isolation_level=serializable", "needs READ COMMITTED"),
        ("postgres://u:s3cret@h/n?connect_timeout=x", "It must be a whole number"),
        ("postgres://u:s3cret@h/n?keepalives_idle=x", "It must be a whole number"),
        ("postgres://u:s3cret@h/n?conn_max_age=None", "It must be seconds, such as 60"),
        ("postgres://u:s3cret@h/n?sslmode=always", 'libpq: invalid sslmode value: "always"'),
        ("postgres://u:s3cret@h/n?service=none", 'libpq: definition of service "none" not found'),
        ("postgres://u:s3cret@h/", "names no database"),
        ("postgres://u:12?s3cret=x@h/n", "is not the URL of a database"),
        ("mysql://u:s3cret@h/n", "is not the URL of a database"),
        ("sqlite:////tmp/s3cret?mode=ro", "its option 'mode'. Remove it: SQLite"),
    ],
)
def test_what_is_not_possible_is_named_and_no_password_shown(url, sentence):
    with pytest.raises(ImproperlyConfigured) as caught:
        parse_database_url(url, name="A_DATABASE")
    text = str(caught.value)
    assert text.startswith("A_DATABASE ")
    assert sentence in text
    assert "s3cret" not in text


def test_a_program_says_it_in_one_line(tmp_path):
    url = "postgres://u@127.0.0.1/n?pool=true"
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "PgBouncer" in done.stderr


@pytest.mark.services
def test_a_unix_socket_is_connected_to(monkeypatch, django_db_blocker):
    with running_server() as server, django_db_blocker.unblock():
        folder = str(server.folder)
        encoded = folder.replace("/", "%2F")
        for place in (
            f"tests@{encoded}:{server.port}/postgres?application_name=letters",
            f"tests@/postgres?host={folder}&port={server.port}",
            f"/postgres?host={folder}&port={server.port}&user=tests",
        ):
            monkeypatch.setenv("DATABASE_URL", f"postgres://{place}")
            connection = ConnectionHandler(databases.read_databases())["default"]
            with connection.cursor() as cursor:
                cursor.execute("SELECT inet_server_addr()")
                assert cursor.fetchone() == (None,)
            connection.close()
