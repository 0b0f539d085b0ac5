"""The Korean catalogue: whole, with the placeholders of the English, and compiled."""

import re

import polib
import pytest
from django.utils.translation import gettext, ngettext, override

from incoming_email.outcomes import Reason
from tests import translating
from tests.translating import CATALOGUE, find_texts, find_untranslated, read_catalogue

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd](?![A-Za-z])|%?\{\w*\}|%%|</?\w+>|\*\*")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return read_catalogue()


def test_every_sentence_is_translated(catalogue: polib.POFile) -> None:
    """docs/testing.md says how to bring the catalogue up to date."""
    missing = find_untranslated(catalogue)
    if missing and not translating.is_required():
        pytest.skip("no Korean yet: see `make check`")
    assert missing == []


@pytest.mark.parametrize("other", ["머지 리퀘스트", "내부 메모", "메인테이너"])
def test_one_thing_has_one_name(catalogue: polib.POFile, other: str) -> None:
    """A merge request is 병합 요청, an internal note 내부 댓글, a maintainer 유지 관리자."""
    texts = ((entry.msgid, text) for entry in catalogue for text in find_texts(entry))
    assert [msgid for msgid, text in texts if other in text] == []


def test_sentences_without_korean_are_found(catalogue: polib.POFile) -> None:
    marked = translating.find_marked()
    assert len(marked) > 800
    (gone, *_rest) = (entry for entry in catalogue if entry.msgid in marked)
    others = [entry for entry in catalogue if entry is not gone]
    (emptied,) = (entry for entry in others if entry.msgid == "Log in")
    emptied = polib.POEntry(msgid=emptied.msgid)
    kept = polib.POFile()
    kept.extend([emptied if entry.msgid == "Log in" else entry for entry in others])
    assert find_untranslated(kept) == sorted([gone.msgid, "Log in"])


def test_nothing_is_obsolete(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue if entry.obsolete] == []


def test_translations_have_the_placeholders_of_the_original(catalogue: polib.POFile) -> None:
    wrong = [
        (entry.msgid, text)
        for entry in catalogue
        for text in filter(None, find_texts(entry))
        if sorted(PLACEHOLDER.findall(entry.msgid)) != sorted(PLACEHOLDER.findall(text))
    ]
    assert wrong == []


def test_the_file_is_as_make_messages_writes_it(catalogue: polib.POFile) -> None:
    """So that a change of one sentence is a change of few lines."""
    assert str(catalogue) == CATALOGUE.read_text(encoding="utf-8").rstrip("\n") + "\n"


def test_the_compiled_catalogue_is_that_of_the_source(catalogue: polib.POFile) -> None:
    assert CATALOGUE.with_suffix(".mo").read_bytes() == catalogue.to_binary()


def test_django_finds_it() -> None:
    with override("ko"):
        assert gettext("Log in") == "로그인"
        assert (
            ngettext("%(count)d new message", "%(count)d new messages", 2) == "새 메일 %(count)d개"
        )
        assert str(Reason.AUTOMATIC.label) == "자동 응답 메일입니다."
