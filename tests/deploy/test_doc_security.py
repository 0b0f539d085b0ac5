"""docs/security.md names a test for each attack, they exist, and its settings are sound."""

import ast
import re
from functools import cache

import pytest

from tests.deploy.doc_blocks import take_block
from tests.deploy.reading import ROOT

PAGE = "docs/security.md"
TEXT = (ROOT / PAGE).read_text()
SETTINGS = take_block(PAGE, "BASE_URL=https://")
CHECKS = take_block(PAGE, "python manage.py check --deploy")
NAME = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ATTACKS = 34


def find_rows(heading: str) -> list[list[str]]:
    """The cells of the table below this heading, without its head."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[1:]]


@cache
def find_tests(path: str) -> frozenset[str]:
    """Names of the test functions of this file; none where there is no such file."""
    file = ROOT / path
    tree = ast.parse(file.read_text() if file.exists() else "")
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def find_missing(text: str) -> list[str]:
    return [f"{path}::{name}" for path, name in NAME.findall(text) if name not in find_tests(path)]


def test_every_test_that_is_named_exists():
    assert find_missing(TEXT) == []
    # Nor is any named in a form that this would not see.
    assert len(NAME.findall(TEXT)) == TEXT.count("::")


def test_every_module_that_is_named_exists():
    named = re.findall(r"`((?:config|incoming_email|issues|servicedesk)\b[\w/.]*)`", TEXT)
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) > 10


@pytest.mark.parametrize("path", ["tests/nowhere.py", "tests/deploy/test_doc_security.py"])
def test_one_that_does_not_exist_is_found(path):
    assert find_missing(f"`{path}::test_of_nothing`") == [f"{path}::test_of_nothing"]


def test_every_attack_has_a_defence_and_a_test():
    attacks = find_rows("Attacks on incoming mail")
    assert [row[0] for row in attacks] == [str(number) for number in range(1, ATTACKS + 1)]
    for row in (*attacks, *find_rows("Reported cases")):
        *words, tests = row
        assert all(words), row
        assert NAME.search(tests), row


@pytest.mark.slow
def test_the_settings_leave_no_warning(place):
    path = place.write(".env", SETTINGS.text)
    try:
        said = place.follow(CHECKS.text)
        used = place.ask(
            "from django.conf import settings as s; "
            "print(s.REQUIRE_STAFF_SECOND_FACTOR, s.REPLY_KEY_DAYS, s.MAILBOX_LOCAL_NETWORKS)"
        )
    finally:
        path.unlink()
    assert "no issues" in said
    assert used == "True 180 False"
