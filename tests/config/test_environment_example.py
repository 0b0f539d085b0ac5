"""`.env.example` and the table of operating.md name every variable that is read, and no other."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from config import environment

CONFIG = Path(environment.__file__).parent
SOURCES = [
    CONFIG / f"{name}.py"
    for name in ("settings", "environment", "databases", "mail_server", "workers")
]
EXAMPLE = settings.BASE_DIR / ".env.example"
OPERATING = settings.BASE_DIR / "docs" / "operating.md"


def reads_environment(node: ast.AST) -> bool:
    """`env.str("NAME", …)` and its like."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "env"
        and isinstance(node.args[0], ast.Constant)
    )


def find_defaults() -> dict[str, object]:
    """By name; None where the default is not a plain value."""
    found: dict[str, object] = dict.fromkeys(environment.GENERATED)
    for source in SOURCES:
        for node in filter(reads_environment, ast.walk(ast.parse(source.read_text()))):
            values = [word.value for word in node.keywords if word.arg == "default"]
            plain = [value.value for value in values if isinstance(value, ast.Constant)]
            found[node.args[0].value] = found.get(node.args[0].value) or (plain or [None])[0]
    return found


def find_examples() -> dict[str, str]:
    return dict(re.findall(r"(?m)^#([A-Z_]+)=(.*)$", EXAMPLE.read_text()))


def test_source_is_understood():
    assert find_defaults()["MAX_ATTEMPTS"] == 5
    assert {"SECRET_KEY", "DATA_DIR", "DATABASE_URL", "EMAIL_URL"} <= set(find_defaults())


def test_example_names_every_variable():
    assert sorted(find_examples()) == sorted(find_defaults())


def test_table_of_operating_names_every_variable():
    assert sorted(re.findall(r"(?m)^\| `([A-Z_]+)` \|", OPERATING.read_text())) == sorted(
        find_defaults()
    )


@pytest.mark.parametrize("name", sorted(name for name, value in find_defaults().items() if value))
def test_example_shows_the_default(name):
    assert find_examples()[name] == str(find_defaults()[name])


def test_example_changes_nothing_when_copied():
    lines = EXAMPLE.read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
