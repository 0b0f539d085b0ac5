"""A text taken apart into what is said and what is to be done."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.marked_text import MarkedText, typed
from issues.quick_actions.reading import MAX_DOUBTS, read_text
from issues.quick_actions.registry import find_actions
from tests.growing import assert_linear


def read(text, *, limit=50):
    return read_text(typed(text), find_actions(), limit=limit)


def commands(text):
    return [(command.action.name, command.argument) for command in read(text).commands]


def doubted(text):
    return [doubt.line for doubt in read(text).doubts]


@pytest.mark.parametrize(
    ("text", "found", "rest"),
    [
        ("/close", [("close", "")], ""),
        ("Fixed.\n/close\nBye", [("close", "")], "Fixed.\nBye"),
        ("/close\n\nFixed.\n\n/label ~bug\n", [("close", ""), ("label", "~bug")], "Fixed."),
        ("/Close", [("close", "")], ""),
        ("/close  \t", [("close", "")], ""),
        ("/title  A  title ", [("title", "A  title")], ""),
        ("/title\tA title", [("title", "A title")], ""),
        ("/title\xa0A title\xa0", [("title", "A title")], ""),
        ("/label\xa0 ~bug", [("label", "~bug")], ""),
        ("\ufeff/close\n\u200b\u2060/lock", [("close", ""), ("lock", "")], ""),
        ("/assign @ann, me", [("assign", "@ann, me")], ""),
        ("a\r\n/close\r\nb\r\n", [("close", "")], "a\nb"),
        ("a\r/close", [("close", "")], "a"),
        ("- item\n/close", [("close", "")], "- item"),
        ("> quoted\n\n/close", [("close", "")], "> quoted"),
        ("```\ncode\n```\n/close", [("close", "")], "```\ncode\n```"),
        ("<div>\nx\n\n/close", [("close", "")], "<div>\nx"),
        ("<!-- a --> b\n/close", [("close", "")], "<!-- a --> b"),
        ("<https://example.com>\n/close", [("close", "")], "<https://example.com>"),
    ],
)
def test_commands_are_taken_out_of_the_text(text, found, rest):
    assert commands(text) == found
    assert read(text).text == rest
    assert read(text).doubts == ()


@pytest.mark.parametrize(
    "text",
    [
        "Please /close this",
        " /close",
        "\xa0/close",
        "\u200b /close",
        "/\u200bclose",
        "\u200b\\/close",
        "\\/close",
        "`/close`",
        "> /close",
        "  > /close",
        "    /close",
        "\t/close",
        "```\n/close\n```",
        "~~~sh\n/close\n```\n/close\n~~~",
        "````\n```\n/close\n````",
        "```\n/close never ends",
        "<pre>\n/close\n</pre>",
        "<!--\n/close\n\n/close -->",
        "<div>\n/close\n</div>",
        "<details><summary>x</summary>\n/close",
        "//close",
        "/close/",
        "/closed-door",
        "/etc/passwd",
        "/etc/passwd is readable",
        "/tmp",
        "/usr",
        "/",
        "/ close",
        "/1",
        "/s",
        "/me waves",
        "/home is where the heart is",
        "/acme/shop/-/issues/5",
        "／close",
        "\u2028/close",
        "see https://example.com\n//example.com/close",
        "",
    ],
)
def test_all_else_is_text_and_nobody_is_told(text):
    reading = read(text)
    assert (reading.text, reading.commands, reading.doubts) == (text, (), ())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/colse", "There is no such quick action; is /close meant? The line stays in the text."),
        ("/labell ~bug", "is /label meant?"),
        ("/milestone", "There is no such quick action. The line stays in the text."),
        ("/close the door", "It is written like this: /close. The line stays in the text."),
        ("/label printing is broken", 'written like this: /label ~bug ~"needs tests".'),
        ("/label", "It is written like this: /label"),
        ("/assign", "It is written like this: /assign @ann me."),
        ("/assign somebody", "It is written like this: /assign @ann me."),
        ("/due some day", "It is written like this: /due in 3 days."),
        ("/due 2026-02-30", "It is written like this: /due in 3 days."),
        ("/title", "It is written like this: /title The door squeaks."),
        ("/duplicate of that", "It is written like this: /duplicate #5."),
        ("/target_branch a..b", "It is written like this: /target_branch main."),
        ("/target_branch --force", "It is written like this: /target_branch main."),
        (f"/cc {'@a ' * 60}", "It is written like this: /cc @ann @bob."),
    ],
)
def test_what_was_most_likely_meant_stays_text_and_is_told(line, why):
    text = f"Hello\n{line}\nBye"
    reading = read(text)
    assert (reading.text, reading.commands) == (text, ())
    (doubt,) = reading.doubts
    assert doubt.line == line.rstrip()
    assert why in doubt.why


@pytest.mark.parametrize(
    "text",
    [
        "> quoted\n/close",
        "> quoted\nand more of it\n/close",
        "> quoted\n/close\n\nBye",
        f"> {'word ' * 12}\n/close",
        "> > quoted\n> quoted\n/close",
        "     > quoted\n/close",
        "AB> quoted\n/close",
        "| quoted\n/close",
    ],
)
def test_what_may_be_the_rest_of_a_quoted_line_is_text_and_told(text):
    """Mail programs break lines, and some repeat no quote mark."""
    reading = read(text)
    assert (reading.text, reading.commands) == (text, ())
    (doubt,) = reading.doubts
    assert doubt.line == "/close"
    assert "below a quote without a blank line between" in doubt.why


@pytest.mark.parametrize("width", range(24, 100))
def test_wherever_a_quote_is_broken_its_rest_commands_nothing(width):
    words = "It squeaks. " * 9
    for cut in range(12):
        line = f"> {words[cut:]}https://example.com/{'x' * 60} {words[cut:]}/close"
        broken = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
        assert commands("\n".join([*broken, "/close", "", "Bye"])) == []


@pytest.mark.parametrize(
    "text",
    [
        "> quoted\n\n/close",
        "> quoted\n> \n/close",
        "> quoted\nI see.\n\n/close",
        "/close\n> quoted",
    ],
)
def test_apart_from_a_quote_it_is_a_command(text):
    assert commands(text) == [("close", "")]


class TestLinesOfOthers:
    """They are text wherever they stand, and decide nothing about the lines around them."""

    def test_are_never_commands(self):
        reading = read_marked("/close\n/lock\n/colse\n/unlock", {1, 2})
        assert [command.line for command in reading.commands] == ["/close", "/unlock"]
        assert (reading.text, reading.doubts) == ("/lock\n/colse", ())

    def test_begin_no_code_and_no_html(self):
        for opener in ("```", "~~~~", "<pre>", "<!--", "<div>"):
            reading = read_marked(f"{opener}\nx\n/close", {0, 1})
            assert [command.line for command in reading.commands] == ["/close"]

    def test_end_no_code_and_no_html(self):
        for opener, end in (("```", "```"), ("<pre>", "</pre>"), ("<!--", "-->")):
            assert read_marked(f"{opener}\n{end}\n/close", {1}).commands == ()

    def test_a_blank_line_is_anybodys(self):
        reading = read_marked("<div>\n\n> x\n\n/close", {2})
        assert [command.line for command in reading.commands] == ["/close"]

    @pytest.mark.parametrize("below", [0, 1])
    def test_may_go_on_in_the_lines_below(self, below):
        reading = read_marked("and more of it\n/close\n\n/lock", (), {below})
        assert [command.line for command in reading.commands] == ["/lock"]
        assert [doubt.line for doubt in reading.doubts] == ["/close"]


def test_of_known_commands_among_doubtful_lines_the_writer_is_told():
    lines = ("/close", "/close the door", "/colse", "/tmp", "\u200b/label ~bug", "text")
    reading = read_text(MarkedText("Fixed.", doubtful=lines), find_actions(), limit=50)
    assert (reading.text, reading.commands) == ("Fixed.", ())
    assert [doubt.line for doubt in reading.doubts] == ["/close", "/label ~bug"]
    assert all("signature" in doubt.why for doubt in reading.doubts)


def read_marked(text, others, below=()):
    return read_text(
        MarkedText(text, frozenset(others), frozenset(below)), find_actions(), limit=50
    )


LINES = st.one_of(
    st.sampled_from(
        [
            *("/close", "/label ~bug", "/colse", "/due tomorrow", "/etc/passwd", "\\/close"),
            *("```", "~~~", "> /close", "    /close", "<pre>", "</pre>", "<!--", "-->", "<div>"),
            *("", " ", "text", "/title x", "/assign @a", "/"),
        ]
    ),
    st.text(max_size=12),
    st.text(max_size=12).map(lambda text: f"/{text}"),
)


@given(
    st.lists(st.tuples(LINES.map(lambda line: re.sub(r"[\r\n]", "", line)), st.booleans())),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_only_typed_lines_are_commands(lines, end):
    source = end.join(line for line, _typed in lines)
    others = frozenset(n for n, (_line, is_typed) in enumerate(lines) if not is_typed)
    reading = read_text(MarkedText(source, others), find_actions(), limit=50)
    typed_lines = [line.rstrip() for line, is_typed in lines if is_typed]
    assert all(command.line in typed_lines for command in reading.commands)


def test_a_text_holds_a_limited_number_of_commands():
    reading = read("/close\n/reopen\n/lock", limit=2)
    assert [command.action.name for command in reading.commands] == ["close", "reopen"]
    assert reading.text == "/lock"
    assert "at most 2 quick actions" in reading.doubts[0].why


def test_doubts_are_limited():
    assert len(doubted("/colse\n" * 100)) == MAX_DOUBTS


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_text_and_commands_hold_every_line(text):
    reading = read(text)
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = [
        line.rstrip() for line in reading.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    taken = [command.line for command in reading.commands]
    assert sorted(filter(None, lines)) == sorted(filter(None, [*kept, *taken]))
    if not taken:
        assert reading.text == text


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_what_is_left_holds_no_command(text):
    assert commands(read(text).text) == []


@given(st.text())
def test_reading_never_raises(text):
    read(text)
    read(f"/title {text}\n/label {text}\n/assign {text}\n/due {text}\n/duplicate {text}")


@pytest.mark.growth
@pytest.mark.parametrize(
    "unit",
    [
        *("/close\n", "/colse\n", "/x y\n", "/", "/a", "```\n", "<div>\n", "<pre>", "/label ~a "),
        *("/assign @a ", "/due ", "/title ", "> /close\n", "\\/close\n", '/label ~"', "/a_"),
        *("/duplicate acme/shop", "/duplicate https://a/-/issues", "/target_branch a/", "~a,"),
    ],
    ids=repr,
)
def test_time_grows_with_the_length_only(unit):
    assert_linear(read, lambda size: unit * (size // len(unit)), 100_000, 800_000)
