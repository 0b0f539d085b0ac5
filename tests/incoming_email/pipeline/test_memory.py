"""What a large attachment costs the process that acts on it, and the one that reads it."""

import base64
import itertools
import json
import os
import shutil
from pathlib import Path

import psycopg
import pytest

from incoming_email.pipeline.isolation import reading
from tests import steps
from tests.incoming_email.world import make_world
from tests.servers.dovecot import password_of
from tests.servers.postgresql import running_server
from tests.steps import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
ATTACHED = bytes(range(256)) * 50_000
_numbers = itertools.count()


def make_large_mail(world):
    text = base64.encodebytes(ATTACHED).replace(b"\n", b"\r\n")
    head = f"""From: {world.member.email}
To: {world.issue_address()}
Subject: Large
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=large.bin
Content-Transfer-Encoding: base64

"""
    return head.replace("\n", "\r\n").encode() + text + b"--b--\r\n"


SCRIPT = Path(__file__).with_name("memory_steps.py")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    steps.run_step(SCRIPT, "prepare", database=folder / "memory.sqlite3", MAILS=str(folder))
    return folder


@pytest.fixture(scope="module")
def server():
    """With the tables, and what the other steps need in them."""
    with running_server() as server:
        given = {"database": Path(os.devnull), "DATABASE_URL": server.url}
        steps.run_step(ROOT / "manage.py", "migrate", "--verbosity", "0", **given)
        steps.run_step(SCRIPT, "prepare", MAILS=str(server.folder), **given)
        yield server


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.services)])
def database(request):
    return request.param


@pytest.fixture
def run_step(request, database, tmp_path):
    """What a step measures, on a copy of the data."""
    if database == "SQLite":
        folder = shutil.copytree(request.getfixturevalue("prepared"), tmp_path / "copy")
        given = {"database": folder / "memory.sqlite3", "MAILS": str(folder)}
    else:
        server = request.getfixturevalue("server")
        name = f"copy{next(_numbers)}"
        with psycopg.connect(server.url, autocommit=True, dbname="template1") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE postgres")
        url = f"{server.url.rpartition('/')[0]}/{name}"
        given = {"database": Path(os.devnull), "DATABASE_URL": url, "MAILS": str(server.folder)}
    return lambda *words: json.loads(steps.run_step(SCRIPT, *words, **given))


def assert_small(found):
    """The kernel counts, since databases and the C library keep copies that Python does not know.
    What is left is what is not given back."""
    assert found["peak"] < 3 * found["size"], found
    assert found["left"] < found["size"] / 10, found


@pytest.mark.slow
def test_a_worker_takes_less_than_three_times_the_size(run_step):
    assert_small(run_step("act"))


@pytest.mark.slow
def test_a_listener_takes_less_than_three_times_the_size(run_step):
    assert_small(run_step("listen"))


def test_a_watcher_takes_less_than_three_times_the_size(run_step, dovecot, imap_user):
    assert_small(run_step("fetch", str(dovecot.port), imap_user, password_of(imap_user)))


def test_the_parser_takes_little_more_than_message_and_files(settings):
    """50 MB are its own."""
    content = make_large_mail(make_world())
    settings.PARSE_MEMORY_BYTES = 50_000_000 + 2 * len(content)
    email = reading.parse(content)
    assert reading.UNREAD not in email.defects
    assert [len(each.content) for each in email.attachments] == [len(ATTACHED)]
