"""Commands in the words of others are made inert; nothing else is changed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.own_words import make_others_inert
from incoming_email.parsing.replies import split_reply

FORWARD = "---------- Forwarded message ---------\nFrom: Bo <b@example.com>\nDate: today\n\n"

HISTORY = "-----Original Message-----\nFrom: Bo\nSent: Monday\n\n"


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("/close", "/close"),
        ("Hi\n/close\nBye", "Hi\n/close\nBye"),
        ("/close\n\n-- \nAnn\n/close", "/close\n\n-- \nAnn\n\\/close"),
        (f"/close\n\n{FORWARD}/close", f"/close\n\n{FORWARD}\\/close"),
        (f"Hi\n\n{FORWARD}/close\n\n/close", f"Hi\n\n{FORWARD}\\/close\n\n\\/close"),
        (f"{FORWARD}/close", f"{FORWARD}\\/close"),
        (
            f"/close\n\n{HISTORY}/close\n/etc/passwd",
            f"/close\n\n{HISTORY}\\/close\n\\/etc/passwd",
        ),
        ("Yes\n\nOn Monday Bo wrote:\n> /close", "Yes\n\nOn Monday Bo wrote:\n> /close"),
    ],
)
def test_lines_of_others(text, inert):
    assert make_others_inert(text, split_reply(text).reply) == inert


def test_a_text_too_long_to_be_read_commands_nothing():
    text = "x\n" * 30_000 + "/close"
    assert make_others_inert(text, text).endswith("\n\\/close")


LINES = st.one_of(
    st.sampled_from(
        ["/close", "-- ", "> x", "text", "", FORWARD.strip(), "On 1 May 2026, Bo wrote:", "```"]
    ),
    st.text(max_size=10),
)


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_only_backslashes_come_in_and_only_before_slashes(text):
    inert = make_others_inert(text, split_reply(text).reply)
    for before, after in zip(text.split("\n"), inert.split("\n"), strict=True):
        assert after in (before, f"\\{before}")
        assert after == before or before.startswith("/")


@given(st.text(), st.text())
def test_it_never_raises(text, reply):
    make_others_inert(text, reply)


@pytest.mark.parametrize("unit", ["/close\n", "-- \n/x\n", "> a\n", "/a ", "On x wrote:\n/x\n"])
def test_time_grows_with_the_length_only(unit):
    def seconds(size):
        text = unit * (size // len(unit))
        best = 60.0
        for _attempt in range(3):
            start = time.process_time()
            make_others_inert(text, text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(80_000) < max(20 * seconds(10_000), 0.05)
