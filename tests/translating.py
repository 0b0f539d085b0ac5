"""Sentences that have no Korean yet: `make check` warns of them by `python -m tests.translating`.

With REQUIRE_KOREAN set, as in `.ci/run`, they are a failure, of a test as well.
"""

import ast
import functools
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "config" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
WIDTH = 78
SOURCES = ("config", "issues", "incoming_email", "servicedesk")
MARKS = {"_", "gettext", "gettext_noop", "gettext_lazy", "ngettext", "ngettext_lazy"}
IN_TEMPLATE = re.compile(
    r"\bn?gettext\((u?\"(?:[^\"\\]|\\.)*\"|u?'(?:[^'\\]|\\.)*')|\b_\((\"[^\"]*\"|'[^']*')\)"
)


def is_required() -> bool:
    return bool(os.environ.get("REQUIRE_KOREAN"))


def find_untranslated(catalogue: polib.POFile) -> list[str]:
    """What is marked in the code but not in the catalogue, and what is there without Korean."""
    known = {entry.msgid for entry in catalogue}
    marked = find_marked()
    empty = (e.msgid for e in catalogue if e.fuzzy or not all(map(str.strip, find_texts(e))))
    return sorted({*(marked - known), *empty})


def find_texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@functools.cache
def find_marked() -> frozenset[str]:
    """Read once: every file of the code is parsed for it."""
    return frozenset({*find_marked_in_python(), *find_marked_in_templates()})


def find_marked_in_python() -> Iterator[str]:
    """A text inside an f-string is found here, but not by xgettext: take it out of the f-string."""
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in MARKS
                    and node.args
                    and isinstance(node.args[0], ast.Constant)
                    and isinstance(node.args[0].value, str)
                ):
                    yield node.args[0].value


def find_marked_in_templates() -> Iterator[str]:
    for path in (ROOT / "templates").rglob("*.*"):
        if path.suffix in {".html", ".txt"}:
            for match in IN_TEMPLATE.finditer(templatize(path.read_text())):
                yield ast.literal_eval((match[1] or match[2]).lstrip("u"))


def read_catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE), wrapwidth=WIDTH)


if __name__ == "__main__":
    catalogue = read_catalogue()
    if "--write" in sys.argv:
        catalogue.save()
        catalogue.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    missing = find_untranslated(catalogue)
    for sentence in missing:
        sys.stderr.write(f"warning: no Korean yet: {sentence!r}; docs/testing.md says how\n")
    sys.exit(bool(missing) and is_required())
