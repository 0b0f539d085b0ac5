"""The Korean catalogue: whole, with the placeholders of the English, and compiled."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation import gettext, ngettext, override
from django.utils.translation.template import templatize

from incoming_email.outcomes import Reason

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "config" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
SOURCES = ("config", "issues", "incoming_email", "servicedesk")
MARKS = {"_", "gettext", "gettext_noop", "gettext_lazy", "ngettext", "ngettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd](?!\w)|%?\{\w*\}|%%|</?\w+>|\*\*")
IN_TEMPLATE = re.compile(
    r"\bn?gettext\((u?\"(?:[^\"\\]|\\.)*\"|u?'(?:[^'\\]|\\.)*')|\b_\((\"[^\"]*\"|'[^']*')\)"
)


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def find_marked_in_python() -> Iterator[str]:
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


def test_every_message_is_translated(catalogue: polib.POFile) -> None:
    empty = [entry.msgid for entry in catalogue if not all(map(str.strip, translations(entry)))]
    assert len(catalogue) > 400
    assert not empty


def test_nothing_is_fuzzy_or_obsolete(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue if entry.fuzzy or entry.obsolete] == []


def test_translations_have_the_placeholders_of_the_original(catalogue: polib.POFile) -> None:
    wrong = [
        (entry.msgid, text)
        for entry in catalogue
        for text in translations(entry)
        if sorted(PLACEHOLDER.findall(entry.msgid)) != sorted(PLACEHOLDER.findall(text))
    ]
    assert wrong == []


@pytest.mark.parametrize("find_marked", [find_marked_in_python, find_marked_in_templates])
def test_every_marked_text_is_in_the_catalogue(
    catalogue: polib.POFile, find_marked: Callable[[], Iterator[str]]
) -> None:
    """docs/testing.md says how to bring the catalogue up to date.

    A text inside an f-string is found here, but not by xgettext: take it out of the f-string.
    """
    known = {entry.msgid for entry in catalogue}
    marked = set(find_marked())
    assert len(marked) > 100
    assert sorted(marked - known) == []


def test_the_compiled_catalogue_is_that_of_the_source(catalogue: polib.POFile) -> None:
    assert CATALOGUE.with_suffix(".mo").read_bytes() == catalogue.to_binary()


def test_django_finds_it() -> None:
    with override("ko"):
        assert gettext("Log in") == "로그인"
        assert (
            ngettext("%(count)d new message", "%(count)d new messages", 2) == "새 메일 %(count)d개"
        )
        assert str(Reason.AUTOMATIC.label) == "자동 응답 메일입니다."
