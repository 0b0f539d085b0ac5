"""Whatever a value holds, the lines around it mean what they meant without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.marked_text import split_lines, typed
from issues.notifications.mentions import parse_mentions
from issues.quick_actions.reading import read_text
from issues.quick_actions.registry import find_actions
from servicedesk.quoting import fill_in_marked
from tests.growing import assert_linear

TEMPLATE_LINES = st.sampled_from(
    [
        *("%{ISSUE_DESCRIPTION}", "So: %{ISSUE_DESCRIPTION}.", "> %{ISSUE_DESCRIPTION}"),
        *("- %{ISSUE_DESCRIPTION} %{ISSUE_ID}", "%{SYSTEM_HEADER}", "%{ISSUE_ID}"),
        *("/close", "/label ~bug", "/due tomorrow", "```", "~~~", "    /lock", "Hi", ""),
        "> /lock\n",  # what followed without a blank line would count as its rest
    ]
)
VALUE_LINES = st.one_of(
    st.sampled_from(
        [
            *("/close", "/title Pwned", "```", "~~~~", "````sh", "<pre>", "</pre>", "<!--", "-->"),
            *("<div>", "> /close", "    /close", "\t", "@rita", "word /close", "", " ", "\\"),
            *("\u200b/close", "\ufeff/title Pwned", "word \u2060/close"),
            *("%{ISSUE_ID}", "/", "//", "- /close", "x" * 80 + " /close"),
        ]
    ),
    st.text(max_size=8),
)
LINE_ENDS = st.sampled_from(
    ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
)
VALUES = st.builds(str.join, LINE_ENDS, st.lists(VALUE_LINES, max_size=6))


def fill(template, value, header="ACME"):
    values = {"ISSUE_DESCRIPTION": value, "SYSTEM_HEADER": header, "ISSUE_ID": "#5"}
    return fill_in_marked(template, values)


def commands(text):
    return [command.line for command in read_text(text, find_actions(), limit=50).commands]


@given(st.lists(TEMPLATE_LINES, max_size=8).map("\n".join), VALUES, VALUES)
def test_no_value_gives_or_hides_a_command(template, value, header):
    text = fill(template, value, header)
    expected = commands(fill(template, "a word\nand another", "ACME"))
    assert commands(text) == commands(typed(text.source)) == expected


@pytest.mark.parametrize("sign", ["", " ", "\u200b", "\ufeff", "\u2060 \u200b"])
def test_a_value_that_begins_like_a_command_becomes_a_quote(sign):
    """Whoever edits the text and sends it has typed all of it."""
    text = fill("%{ISSUE_DESCRIPTION}.", f"{sign}/title Pwned")
    assert text.source.startswith(">")
    assert commands(typed(text.source)) == []


@given(st.lists(TEMPLATE_LINES, max_size=8).map("\n".join), VALUES)
def test_every_word_is_there_and_calls_nobody(template, value):
    text = fill(template, value)
    if "%{ISSUE_DESCRIPTION}" in template:
        words = [line.strip() for line in value.splitlines() if line.strip()]
        assert all(word in text.source for word in words)
    assert "rita" not in parse_mentions(text.source)


@given(st.lists(TEMPLATE_LINES, max_size=8).map("\n".join), VALUES)
def test_lines_of_the_template_alone_are_typed(template, value):
    text = fill(template, value)
    lines = split_lines(text.source)
    own = {line.strip() for line in split_lines(template)} | {"", "So:", "So: .", ".", "-", ">"}
    assert all(line.strip() in own for n, line in enumerate(lines) if n not in text.others)
    assert all(number < len(lines) for number in text.others)


@pytest.mark.growth
@pytest.mark.parametrize("unit", ["/close\n", "a ", "```\n", " " * 9, "%{ISSUE_ID}", "<", "\u2028"])
def test_time_grows_with_the_length_only(unit):
    def fill_in(value):
        fill("Hi\n%{ISSUE_DESCRIPTION}\nBye", value)

    assert_linear(fill_in, lambda size: unit * (size // len(unit)), 100_000, 800_000)
