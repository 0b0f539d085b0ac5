"""Settings, `.env.example` and the table of operating.md name the same variables and defaults."""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import global_settings, settings

from config import environment
from tests.waiting import PROCESS_SECONDS

ROOT = settings.BASE_DIR
CONFIG = Path(environment.__file__).parent
EXAMPLE, OPERATING = ROOT / ".env.example", ROOT / "docs" / "operating.md"
SECRET = re.compile(r"(?:SECRET_KEY|_KEYS|_TOKEN|_PASSWORD|_SECRET|_URL)$")
COMPUTED = object()
"""Stands for a default that is no literal."""

DESCRIBED = {
    "DATA_DIR": "`var`",
    "SECRET_KEY": "made once",
    "ENCRYPTION_KEYS": "made once",
    "BASE_URL": "`http://127.0.0.1:` and `WEB_PORT`",
    "ALLOWED_HOSTS": "this machine, host of `BASE_URL`",
    "DATABASE_URL": "SQLite in `DATA_DIR`",
    "MEDIA_ROOT": "`DATA_DIR/media`",
    "REPOSITORIES_ROOT": "`DATA_DIR/repositories`",
    "MESSAGE_ID_HOST": "host of `BASE_URL`; `letterbox.localhost` if that is a number",
}
"""Defaults that are computed, in the words of the table; a test below computes them."""


@dataclass(frozen=True)
class Lists:
    """Three lists of variables, each with its defaults."""

    code: Mapping[str, object]
    example: Mapping[str, str]
    docs: Mapping[str, str]


def find_reads(tree: ast.AST) -> Iterator[ast.Call]:
    """`env.str("NAME", …)` and its like."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str()), *_]
            ):
                yield node


def find_fallbacks(tree: ast.AST) -> set[ast.AST]:
    """Reads whose empty value is replaced, as in `env.str("NAME", default="") or …`."""
    ors = [n for n in ast.walk(tree) if isinstance(n, ast.BoolOp) and isinstance(n.op, ast.Or)]
    nothing = [n for n in ors if isinstance(n.values[-1], ast.Constant)]
    return {node.values[0] for node in ors if node not in nothing}


def default_of(call: ast.Call) -> object:
    (value,) = [word.value for word in call.keywords if word.arg == "default"]
    try:
        return ast.literal_eval(value)
    except ValueError:
        return COMPUTED


def find_defaults(*sources: str) -> dict[str, object]:
    found: dict[str, object] = dict.fromkeys(environment.GENERATED, COMPUTED)
    for tree in map(ast.parse, sources):
        fallbacks = find_fallbacks(tree)
        for call in find_reads(tree):
            name = call.args[0].value
            if any(word.arg == "default" for word in call.keywords):
                value = COMPUTED if call in fallbacks else default_of(call)
                assert found.get(name, value) == value, f"{name} has two defaults"
                found[name] = value
    return found


def find_examples(text: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^#([A-Z_]+)=(.*)$", text))


def find_documented(text: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^\| `([A-Z_]+)` \| [^|]+ \| ([^|]+) \| .+ \|$", text))


def read_lists(code: str = "", example: str = "", docs: str = "") -> Lists:
    """As they are, with these lines more."""
    sources = [path.read_text() for path in CONFIG.glob("*.py") if path.stem != "settings_test"]
    return Lists(
        find_defaults(*sources, code),
        find_examples(f"{EXAMPLE.read_text()}\n{example}"),
        find_documented(f"{OPERATING.read_text()}\n{docs}"),
    )


def find_faults(lists: Lists) -> Iterator[str]:
    for name in sorted({*lists.code, *lists.example, *lists.docs}):
        if name not in lists.code:
            yield f"{name}: no setting reads it"
        elif name not in lists.example:
            yield f"{name}: add it to .env.example"
        elif name not in lists.docs:
            yield f"{name}: add it to the table in docs/operating.md, section 2"
        else:
            yield from find_wrong_defaults(name, lists)


def find_wrong_defaults(name: str, lists: Lists) -> Iterator[str]:
    default, example, words = lists.code[name], lists.example[name], lists.docs[name]
    shown = "" if default is COMPUTED or default == [] else str(default)
    if example != shown:
        yield f"{name}: its default in .env.example is {example!r}, and the code has {shown!r}"
    if default is COMPUTED:
        if words != DESCRIBED.get(name):
            yield f"{name}: docs/operating.md says {words!r}; say in DESCRIBED what is computed"
    elif shown and words.strip("`") != shown:
        yield f"{name}: its default in docs/operating.md is {words!r}, and the code has {shown!r}"
    elif not shown and re.fullmatch(r"`?(?:[\d.]+|True|False|\W*)`?", words):
        yield f"{name}: docs/operating.md says {words!r} and the default is empty: say what that is"


def test_sources_are_understood():
    lists = read_lists()
    assert (lists.code["MAX_ATTEMPTS"], lists.code["DEBUG"]) == (5, False)
    assert lists.code["WORKER_MAX_TASKS_PER_CHILD"] == 1000
    assert lists.code["MESSAGE_ID_HOST"] is lists.code["BASE_URL"] is COMPUTED
    assert lists.docs["DATA_DIR"] == "`var`"


def test_the_three_lists_agree():
    assert list(find_faults(read_lists())) == []


CODE = 'NEW_LIMIT = env.int("NEW_LIMIT", default=7)'
DOCS = "| `NEW_LIMIT` | mails | 7 | that are new |"


def find_new_faults(code: str, example: str, docs: str) -> list[str]:
    faults = find_faults(read_lists(code, example, docs))
    return [fault for fault in faults if fault.startswith("NEW_LIMIT")]


def test_a_new_setting_that_is_named_everywhere_is_no_fault():
    assert find_new_faults(CODE, "#NEW_LIMIT=7", DOCS) == []


@pytest.mark.parametrize(
    ("code", "example", "docs", "fault"),
    [
        ("", "#NEW_LIMIT=7", DOCS, "NEW_LIMIT: no setting reads it"),
        (CODE, "", DOCS, "NEW_LIMIT: add it to .env.example"),
        (CODE, "#NEW_LIMIT=7", "", "NEW_LIMIT: add it to the table in docs"),
        (CODE, "#NEW_LIMIT=70", DOCS, "NEW_LIMIT: its default in .env.example is '70'"),
        (CODE, "#NEW_LIMIT=7", DOCS.replace("7", "8"), "NEW_LIMIT: its default in docs"),
        (CODE.replace("7", "0"), "#NEW_LIMIT=0", DOCS, "NEW_LIMIT: its default in docs"),
        (CODE.replace("7", "WEB_PORT"), "#NEW_LIMIT=", DOCS, "NEW_LIMIT: docs/operating.md says"),
        (
            'NEW_LIMIT = env.list("NEW_LIMIT", default=[])',
            "#NEW_LIMIT=",
            DOCS,
            "NEW_LIMIT: docs/operating.md says '7' and the default is empty",
        ),
    ],
)
def test_a_half_that_is_forgotten_or_another_is_named(code, example, docs, fault):
    (found,) = find_new_faults(code, example, docs)
    assert found.startswith(fault)


def test_one_variable_has_one_default():
    with pytest.raises(AssertionError, match="MAX_ATTEMPTS has two defaults"):
        read_lists('env.int("MAX_ATTEMPTS", default=6)')


def test_computed_defaults_are_as_they_are_described(tmp_path):
    names = (*DESCRIBED.keys() - {"DATABASE_URL"}, "DATABASES")
    script = (
        f"from config import settings; print(*(getattr(settings, n) for n in {names}), sep='|')"
    )
    values = {}
    for host in ("127.0.0.1", "desk.example.com"):
        given = {"DATA_DIR": str(tmp_path), "WEB_PORT": "8123", "PATH": os.defpath}
        if host != "127.0.0.1":
            given["BASE_URL"] = f"https://{host}"
        done = run_python(script, given)
        values[host] = dict(zip(names, done.split("|"), strict=True))
    here, there = values.values()
    assert here["BASE_URL"] == "http://127.0.0.1:8123"
    assert here["ALLOWED_HOSTS"] == str(["localhost", "127.0.0.1", "[::1]", "127.0.0.1"])
    assert "desk.example.com" in there["ALLOWED_HOSTS"]
    assert f"{tmp_path}/db.sqlite3" in here["DATABASES"]
    assert here["MEDIA_ROOT"] == f"{tmp_path}/media"
    assert here["REPOSITORIES_ROOT"] == f"{tmp_path}/repositories"
    assert here["MESSAGE_ID_HOST"] == "letterbox.localhost"
    assert there["MESSAGE_ID_HOST"] == "desk.example.com"
    for secret in ("SECRET_KEY", "ENCRYPTION_KEYS"):
        assert here[secret] == there[secret]
        assert here[secret].strip("[]'") in (tmp_path / "secret.env").read_text()


def run_python(script: str, variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS,
        check=True,
    )
    return done.stdout.strip()


def test_example_changes_nothing_when_copied():
    lines = EXAMPLE.read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_secrets_may_be_given_as_files():
    secret = {name for name in find_examples(EXAMPLE.read_text()) if SECRET.search(name)}
    assert secret - {"BASE_URL"} == set(environment.IN_FILES), "add it to environment.IN_FILES"
    told = (ROOT / "docs" / "deploying.md").read_text()
    assert [name for name in environment.IN_FILES if f"`{name}`" not in told] == []


def test_the_environment_is_read_in_one_place():
    """What another module read would be missing in all three lists."""
    readers = [
        str(path.relative_to(ROOT))
        for app in ("incoming_email", "issues", "servicedesk")
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"\benviron\.Env|config\.environment import[^\n]*\benv\b", path.read_text())
    ]
    assert readers == [], "read it in config/settings.py"


def find_assigned(source: str) -> Iterator[str]:
    """The names that settings have in Python, of those that are read from the environment."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if any(find_reads(value)):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.AST() as value):
                if any(find_reads(value)):
                    yield name


def find_unused(config: str, others: str) -> list[str]:
    """Settings that neither Django, Celery or Axes knows, nor code of ours names a second time."""
    known = re.compile("|".join(("CELERY_.*", "AXES_.*", *dir(global_settings))))
    # Less the name of the variable where it is read.
    words = Counter(re.findall(r'(?<!\(")\b[A-Z][A-Z_]+\b', f"{config}\n{others}"))
    return [
        name for name in find_assigned(config) if words[name] == 1 and not known.fullmatch(name)
    ]


def read_code(*folders: str) -> str:
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(path.read_text() for path in paths if path.stem != "settings_test")


def test_every_setting_is_used():
    """One that nothing asks for would be set by people, and change nothing."""
    others = read_code("incoming_email", "issues", "servicedesk")
    others += (ROOT / "gunicorn.conf.py").read_text()
    config = read_code("config")
    assert find_unused(config, others) == []
    assert find_unused(f"{config}\n{CODE}", others) == ["NEW_LIMIT"]
    assert find_unused(f"{config}\n{CODE}", f"{others}\nsettings.NEW_LIMIT") == []
