"""Addresses of people go over to allauth's table and back, none lost and none verified by it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.migrated import DEADLINE_SECONDS, ROOT, find_migrated

pytestmark = pytest.mark.slow
PERSON = """INSERT INTO issues_user (id, username, email, password, first_name, last_name, language,
  is_superuser, is_staff, is_active, date_joined) VALUES (?, ?, ?, '', '', '', 'en', 0, 0, 1, 0)"""
AT = "2026-01-02 03:04:05"


@pytest.fixture
def database(tmp_path):
    return shutil.copyfile(find_migrated(), tmp_path / "old.sqlite3")


def migrate(database, name):
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "issues", name, "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "config.settings_test"}
        | {"DATABASE_URL": f"sqlite:///{database}"},
        timeout=DEADLINE_SECONDS,
        check=True,
    )


def run(database, statement, rows=((),)):
    with closing(sqlite3.connect(database)) as opened, opened:
        return [found for row in rows for found in opened.execute(statement, row).fetchall()]


def test_addresses_go_over_and_back(database):
    migrate(database, "0015")
    run(database, PERSON, [(1, "ada", "Ada@example.com"), (2, "bo", "")])
    old = [(7, "ada@example.com", AT, 1), (8, "old@example.com", None, 1), (60_001, "bo@b", AT, 2)]
    added = "INSERT INTO issues_emailaddress (id, address, verified_at, user_id) VALUES (?,?,?,?)"
    run(database, added, old)

    migrate(database, "0016")

    new = 'SELECT user_id, email, verified, "primary" FROM account_emailaddress ORDER BY id'
    assert run(database, new) == [
        (1, "ada@example.com", 1, 1),
        (1, "old@example.com", 0, 0),
        (2, "bo@b", 1, 0),
    ]
    # As two may claim what neither has proven.
    claim = (
        "INSERT INTO account_emailaddress (user_id, email, verified, `primary`) VALUES (?,?,0,0)"
    )
    run(database, claim, [(2, "old@example.com"), (2, "ada@example.com")])

    migrate(database, "0015")

    back = "SELECT user_id, address, verified_at IS NOT NULL FROM issues_emailaddress WHERE id > ?"
    kept = [(1, "ada@example.com", 1), (1, "old@example.com", 0), (2, "bo@b", 1)]
    assert sorted(run(database, back, [(0,)])) == kept
    assert run(database, new) == []
