"""A database to which all migrations were applied once, for each process of a run to copy.

It is kept between runs, by a digest of the migrations and of what applies them.
"""

import functools
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management.commands import flush
from django.db import connection, transaction

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".pytest_cache" / "migrated"
DEADLINE_SECONDS = 300


@functools.cache
def find_migrated() -> Path:
    """The SQLite file for the migrations of now; made at the first call. Copy it, never open it."""
    folders = [Path(each.path, "migrations") for each in apps.get_app_configs()]
    path = FOLDER / f"{read_digest(folders)}.sqlite3"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        _migrate(draft)
        draft.replace(path)  # of two that are made at once, either will do
    return path


def read_digest(folders: Iterable[Path]) -> str:
    """Another one if a migration, Django or SQLite is another."""
    digest = hashlib.sha256(f"{django.VERSION} {sqlite3.sqlite_version}".encode())
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        digest.update(f"{path.parent.parent.name}/{path.name}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _migrate(database: Path) -> None:
    names = {"DJANGO_SETTINGS_MODULE": "config.settings_test"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ | names | {"DATABASE_URL": f"sqlite:///{database}"},
        timeout=DEADLINE_SECONDS,
        check=True,
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before xdist starts its processes, which else would each make one."""
    if session.config.getoption("numprocesses", None):
        find_migrated()


def put_rows_back(*_args: object, **_more: object) -> None:
    """Content types and permissions as they were; to look for them takes twenty times as long.
    Triggers have noted that the ledger was emptied."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("incoming_email_changedhour", "incoming_email_unsearched"):
            cursor.execute(f"DELETE FROM {table}")
        for table, rows in _read_rows().items():
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


@functools.cache
def _read_rows() -> dict[str, list[tuple[object, ...]]]:
    """By table, in the order in which they refer to each other."""
    with closing(sqlite3.connect(f"file:{find_migrated()}?mode=ro", uri=True)) as kept:
        tables = ("django_content_type", "auth_permission")
        return {name: kept.execute(f"SELECT * FROM {name}").fetchall() for name in tables}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On PostgreSQL, and without migrations, the database is made as it always is."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        shutil.copyfile(find_migrated(), database["TEST"]["NAME"])
        # After each test that commits all tables are emptied, and the signal makes these rows anew.
        flush.emit_post_migrate_signal = put_rows_back


@pytest.fixture(scope="session")
def django_db_keepdb(request: pytest.FixtureRequest) -> bool:
    """What was copied is not made anew; it goes with the process's data folder."""
    is_copied = settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    return is_copied or bool(request.config.getoption("reuse_db"))
