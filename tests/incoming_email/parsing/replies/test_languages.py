"""The word lists of mail programs: each file is read, and each word is as it is looked up."""

import tomllib
from dataclasses import fields

import pytest

from incoming_email.parsing.replies import languages
from incoming_email.parsing.replies.languages import DATA, FAMILIES, LANGUAGES, read_languages


def test_every_file_is_a_family():
    assert {path.stem for path in DATA.iterdir()} == set(FAMILIES)


def test_no_language_is_listed_twice():
    codes = [language.code for language in LANGUAGES]
    assert len(codes) == len(set(codes)) > 30


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_words_are_texts_in_lower_case_and_stand_once(language):
    for field in fields(language):
        words = getattr(language, field.name)
        if field.name == "code":
            continue
        assert isinstance(words, tuple)
        assert all(isinstance(word, str) and word == word.lower().strip() != "" for word in words)
        assert len(words) == len(set(words)), (field.name, words)


def test_a_misspelt_name_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(languages, "DATA", tmp_path)
    monkeypatch.setattr(languages, "FAMILIES", ("odd",))
    (tmp_path / "odd.toml").write_text('[xx]\nwroted = ["wrote"]\n')
    with pytest.raises(TypeError, match="wroted"):
        list(read_languages())


def test_a_broken_file_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(languages, "DATA", tmp_path)
    monkeypatch.setattr(languages, "FAMILIES", ("odd",))
    (tmp_path / "odd.toml").write_text("[xx]\nwrote = wrote\n")
    with pytest.raises(tomllib.TOMLDecodeError):
        list(read_languages())
