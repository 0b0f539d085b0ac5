"""A setting that is not of its kind ends every program with a sentence that names it."""

import os
import subprocess
import sys
import traceback

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment


@pytest.mark.parametrize(("cast", "kind"), [("int", "a whole number"), ("float", "a number")])
def test_a_value_that_is_no_number_is_named(monkeypatch, cast, kind):
    monkeypatch.setenv("A_NUMBER", "x")
    with pytest.raises(ImproperlyConfigured, match=f"^A_NUMBER is 'x', which is not {kind}\\."):
        getattr(Environment(), cast)("A_NUMBER", default=1)


def test_a_number_and_a_default_are_read(monkeypatch):
    monkeypatch.setenv("A_NUMBER", "7")
    assert Environment().int("A_NUMBER", default=1) == 7
    assert Environment().int("NONE", default=3) == 3


@pytest.mark.parametrize("empty", [True, False])
def test_a_database_that_is_empty_is_the_default(monkeypatch, empty):
    if empty:
        monkeypatch.setenv("A_DATABASE", "")
    database = Environment().db_url("A_DATABASE", default="sqlite:////var/db.sqlite3")
    assert (database["ENGINE"], database["NAME"]) == (
        "django.db.backends.sqlite3",
        "/var/db.sqlite3",
    )


@pytest.mark.parametrize("url", ["postgres://u:p@h:1/d", "PostgreSQL://u:p@h:1/d"])
def test_a_database_is_read(monkeypatch, url):
    monkeypatch.setenv("A_DATABASE", url)
    database = Environment().db_url("A_DATABASE", default="sqlite://:memory:")
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        *("u", "p", "h", 1, "d"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "postgre://ann:s3cret@db/letterbox",
        "ann:s3cret@db/letterbox",
        "//ann:s3cret@db/letterbox",
        "postgres://ann:s3cret/half@db/letterbox",  # read as a port
    ],
)
def test_what_is_no_database_is_named_and_not_shown(monkeypatch, recwarn, url):
    monkeypatch.setenv("A_DATABASE", url)
    with pytest.raises(ImproperlyConfigured, match=r"^A_DATABASE is not the URL") as caught:
        Environment().db_url("A_DATABASE", default="sqlite://:memory:")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert [each for each in recwarn if "s3cret" in str(each.message)] == []


@pytest.mark.parametrize("empty", [True, False])
def test_a_cache_that_is_empty_is_the_default(monkeypatch, empty):
    if empty:
        monkeypatch.setenv("A_CACHE", "")
    cache = Environment().cache_url("A_CACHE", default="dbcache://letterbox_cache")
    assert cache == {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "letterbox_cache",
    }


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("redis://:p@h:6379/1", "redis://:p@h:6379/1"),
        ("redis://a:1,b:2/0", ["redis://a:1/0", "redis://b:2/0"]),
        ("redis:///run/redis.sock", "unix:///run/redis.sock"),
        ("locmemcache://", ""),
    ],
)
def test_a_cache_is_read(monkeypatch, url, location):
    monkeypatch.setenv("A_CACHE", url)
    assert Environment().cache_url("A_CACHE", default="dummycache://")["LOCATION"] == location


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "redi://:s3cret@cache/1",
        ":s3cret@cache:6379/1",
        "//:s3cret@cache/1",
        "redis://ann:s3cret/half@cache/1",  # read as a port
        "redis://[s3cret",
        "redis://",
        "dbcache://",
    ],
)
def test_what_is_no_cache_is_named_and_not_shown(monkeypatch, recwarn, url):
    monkeypatch.setenv("A_CACHE", url)
    with pytest.raises(ImproperlyConfigured, match=r"^A_CACHE is not the URL") as caught:
        Environment().cache_url("A_CACHE", default="dummycache://")
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    assert [each for each in recwarn if "s3cret" in str(each.message)] == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WEB_PORT", "eighty", "WEB_PORT is 'eighty', which is not a whole number."),
        ("TASK_BUDGET_SECONDS", "0", "TASK_BUDGET_SECONDS is 0, and must be from 1 to 3600."),
        ("DATABASE_URL", "nonsense", "DATABASE_URL is not the URL of a database,"),
        ("CACHE_URL", "nonsense", "CACHE_URL is not the URL of a cache,"),
    ],
)
def test_a_program_says_the_sentence_alone(tmp_path, name, value, sentence):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
