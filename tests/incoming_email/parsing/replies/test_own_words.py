"""The lines of a mail that others wrote are found, so that no command in them counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.replies.own_words import find_others
from incoming_email.parsing.replies.splitting import split_reply
from issues.marked_text import split_lines
from tests.growing import assert_linear

FORWARD = "---------- Forwarded message ---------\nFrom: Bo <b@example.com>\nDate: today\n\n"

HISTORY = "-----Original Message-----\nFrom: Bo\nSent: Monday\n\n"


def commands_of_others(text):
    others = find_others(text, split_reply(text).reply)
    lines = split_lines(text)
    return [number for number in sorted(others) if lines[number].startswith("/")]


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("/close", []),
        ("Hi\n/close\nBye", []),
        ("/close\n\n-- \nAnn\n/close", [4]),
        (f"/close\n\n{FORWARD}/close", [6]),
        (f"Hi\n\n{FORWARD}/close\n\n/close", [6, 8]),
        (f"{FORWARD}/close", [4]),
        (f"/close\n\n{HISTORY}/close\n/etc/passwd", [6, 7]),
        (f"/close\r\r{FORWARD}/close".replace("\n", "\r"), [6]),
    ],
)
def test_lines_of_others(text, others):
    assert commands_of_others(text) == others


def test_a_quote_is_anothers_and_a_blank_line_nobodys():
    text = "/close\n\nOn Mon, Jan 1, 2024 at 10:00 AM Bo <bo@example.com> wrote:\n> /close"
    assert find_others(text, split_reply(text).reply) == {2, 3}


def test_nothing_is_looked_for_where_no_line_could_be_a_command():
    text = f"Hi\n\n{FORWARD}and/or"
    assert find_others(text, split_reply(text).reply) == frozenset()


def test_a_text_too_long_to_be_read_commands_nothing():
    text = "x\n" * 30_000 + "/close"
    assert 30_000 in find_others(text, text)


BLOCK = "From: Carl <c@z.example>\nSent: Monday\nTo: b@y.example\nSubject: door\n"


@pytest.mark.parametrize(
    "top",
    [
        BLOCK,
        f"________________________________\n{BLOCK}",
        f"-----Original Message-----\n{BLOCK}",
        "Von: Carl <c@z.example>\nGesendet: Montag\nAn: b@y.example\nBetreff: door\n",
        "----- Forwarded message from Carl <c@z.example> -----\n",
        "---------- Iletti eteenpain ----------\nFoo: Carl\n",
    ],
)
@pytest.mark.parametrize("above", ["", "FYI\n\n", "Hi Bo,\n\n/label ~bug\n\nBest\nAnn\n\n"])
def test_a_forward_that_is_kept_whole_commands_nothing(top, above):
    """As the subject says that it is a forward, all of it is the reply."""
    text = f"{above}{top}\nThe door squeaks.\n\n/close\n\n/title Pwned"
    others = find_others(text, text)
    lines = split_lines(text)
    own = [line for at, line in enumerate(lines) if at not in others and line.startswith("/")]
    assert own == (["/label ~bug"] if "/label" in above else [])


LINES = st.one_of(
    st.sampled_from(
        ["/close", "-- ", "> x", "text", "", FORWARD.strip(), "On 1 May 2026, Bo wrote:", "```"]
    ),
    st.text(max_size=10),
)


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_numbers_are_those_of_the_reader_of_commands(lines, end):
    text = end.join(lines)
    split = split_lines(text)
    for number in find_others(text, split_reply(text).reply):
        assert split[number].strip()


@given(st.text(), st.text())
def test_it_never_raises(text, reply):
    find_others(text, reply)


@pytest.mark.growth
@pytest.mark.parametrize("unit", ["/close\n", "-- \n/x\n", "> a\n", "/a ", "On x wrote:\n/x\n"])
def test_time_grows_with_the_length_only(unit):
    def find(text):
        find_others(text, text)

    assert_linear(find, lambda size: unit * (size // len(unit)), 10_000, 80_000)
