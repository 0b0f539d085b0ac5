"""A text keeps count of the lines that somebody else wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.marked_text import NO_TEXT, MarkedText, filled_in, split_lines, typed


def test_what_is_typed_and_what_is_filled_in():
    assert typed("a\nb").others == frozenset()
    assert filled_in("a\nb").others == {0, 1}
    assert NO_TEXT.source == ""


def test_lines_end_in_line_feed_and_carriage_return_only():
    assert split_lines("a\r\nb\rc\nd") == ["a", "b", "c", "d"]
    assert split_lines("a\u2028b\x0bc\x85d") == ["a\u2028b\x0bc\x85d"]


@pytest.mark.parametrize(
    ("source", "others", "stripped", "left"),
    [
        ("\n\na\n/x\nb\n\n", {3}, "a\n/x\nb", {1}),
        ("  a\n/x", {1}, "a\n/x", {1}),
        ("\r\n\r\n/x", {2}, "/x", {0}),
        ("\n  \n", {1}, "", set()),
        ("", set(), "", set()),
    ],
)
def test_the_numbers_hold_without_the_white_space_around(source, others, stripped, left):
    assert MarkedText(source, frozenset(others)).strip() == MarkedText(stripped, frozenset(left))
    text = MarkedText(source, below_others=frozenset(others))
    assert text.strip() == MarkedText(stripped, below_others=frozenset(left))
    assert MarkedText(source, doubtful=("/x",)).strip() == MarkedText(stripped, doubtful=("/x",))


@given(st.text(alphabet=" \t\r\n\x0b\u2028a/"), st.sets(st.integers(0, 5)))
def test_stripping_keeps_each_line_whose_it_was(source, others):
    text = MarkedText(source, frozenset(others))
    before = [line.strip() for n, line in enumerate(split_lines(source)) if n in others]
    stripped = text.strip()
    after = [
        line.strip() for n, line in enumerate(split_lines(stripped.source)) if n in stripped.others
    ]
    assert [line for line in before if line] == [line for line in after if line]
