"""Which spellings are one address, and which only look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.mail_addresses import (
    canonical_address,
    canonical_domain,
    find_spellings,
    lower_ascii,
    write_domain,
)

TYPED, ENCODED = "müller@bücher.example", "müller@xn--bcher-kva.example"


def test_only_ascii_letters_are_lowered():
    assert lower_ascii("MIKE \u0130\u212a\u017f") == "mike \u0130\u212a\u017f"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TYPED, ENCODED),
        ("Ann@Example.COM", "ann@example.com"),
        ("r@BüCHER.example", "r@xn--BCHER-kva.example"),
        ("r@bücher.example.", "r@xn--bcher-kva.example."),
        ("r@BÜCHER.example", "r@bücher.example"),
    ],
)
def test_one_address(one, other):
    assert canonical_address(one) == canonical_address(other)
    assert canonical_address(other) in find_spellings(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("müller@example.com", "muller@example.com"),
        ("MÜLLER@example.com", "müller@example.com"),  # their server may have both
        ("\u212aate@example.com", "kate@example.com"),
        ("b\u0131ll@example.com", "bill@example.com"),
        ("r@straße.example", "r@strasse.example"),
        ("r@\u212aate.example", "r@kate.example"),
        ("r@\uff45x.example", "r@ex.example"),
        ("r@b\u0131ll.example", "r@bill.example"),
        ("mu\u0308ller@example.com", "müller@example.com"),
        ("xn--mller-kva@example.com", "müller@example.com"),
    ],
)
def test_two_addresses(one, other):
    assert canonical_address(one) != canonical_address(other)
    assert not {*find_spellings(one)} & {*find_spellings(other)}


def test_rows_may_have_either_spelling():
    assert {*find_spellings(TYPED)} == {*find_spellings(ENCODED)} == {TYPED, ENCODED}
    assert find_spellings("Ann@example.com") == ["ann@example.com"]
    assert find_spellings("r@xn--a.example") == ["r@xn--a.example"], "which is no name"
    assert find_spellings("nobody") == ["nobody"]


@given(st.text(max_size=300))
def test_whatever_is_given_is_compared(text):
    canonical = canonical_address(text)
    assert canonical_address(canonical) == canonical
    assert canonical in find_spellings(text)
    assert canonical_domain(text.upper()) is not None


@pytest.mark.parametrize(
    ("domain", "written"),
    [
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("under_score.example", "under_score.example"),
    ],
)
def test_domains_are_written_for_dns(domain, written):
    assert write_domain(domain) == written
