"""A text body made readable: its line ends."""

import pytest

from incoming_email.parsing.text.plain_text import clean_text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\nc", "a\nb\nc"),
        ("a\r\r\nb", "a\nb"),
        ("a\rb\rc", "a\nb\nc"),
        ("> a\r/close\r> b\nc\rd", "> a\n> /close\n> > b\nc\nd"),
        (">> a\r/close", ">> a\n> /close"),
        ("a > b\r/close", "a > b\n/close"),
        ("a\0b", "ab"),
    ],
)
def test_lines_end_in_lf_and_a_quoted_one_stays_quoted(text, cleaned):
    assert clean_text(text) == cleaned
