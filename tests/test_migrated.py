"""Databases of tests are copies of one to which all migrations were applied."""

import shutil
import sqlite3
import subprocess
import sys

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection

from issues.models import User
from tests import migrated
from tests.factories import UserFactory
from tests.steps import ROOT

APPLIED = "SELECT app, name, applied FROM django_migrations ORDER BY id"


def test_it_is_made_once(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(migrated, "FOLDER", tmp_path / "kept")
    monkeypatch.setattr(migrated, "_migrate", lambda path: made.append(path.write_text("tables")))
    find = migrated.find_migrated.__wrapped__
    assert find() == find()
    assert (find().read_text(), len(made)) == ("tables", 1)
    assert list(find().parent.iterdir()) == [find()]


def test_another_migration_makes_another(tmp_path):
    folder = tmp_path / "issues" / "migrations"
    folder.mkdir(parents=True)
    digests = [migrated.read_digest([folder])]
    for name, text in (("0001.py", "a"), ("0001.py", "b"), ("0002.py", "")):
        (folder / name).write_text(text)
        digests.append(migrated.read_digest([folder]))
    assert len(set(digests)) == 4


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite")
def test_this_process_has_applied_nothing():
    with connection.cursor() as cursor:
        here = cursor.execute(APPLIED).fetchall()
    with sqlite3.connect(f"file:{migrated.find_migrated()}?mode=ro", uri=True) as kept:
        there = kept.execute(APPLIED).fetchall()
    kept.close()
    assert [row[:2] for row in here] == [row[:2] for row in there]
    assert [str(row[2]).partition("+")[0] for row in here] == [row[2] for row in there]


@pytest.mark.django_db(transaction=True)
def test_permissions_are_there_again_after_a_test_that_commits():
    before = list(Permission.objects.order_by("pk").values_list())
    UserFactory()
    call_command("flush", verbosity=0, interactive=False)
    assert list(Permission.objects.order_by("pk").values_list()) == before
    assert Permission.objects.filter(content_type__model="issue").count() >= 4
    assert not User.objects.exists()


@pytest.mark.slow
def test_nothing_is_left_to_migrate(tmp_path):
    database = shutil.copyfile(migrated.find_migrated(), tmp_path / "copy.sqlite3")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--check"],
        cwd=ROOT,
        env={"DATABASE_URL": f"sqlite:///{database}", "DATA_DIR": str(tmp_path)},
        timeout=migrated.DEADLINE_SECONDS,
        check=True,
    )
