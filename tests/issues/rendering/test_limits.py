"""What is counted before and after rendering: never too little, and in linear time."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from issues.rendering import render_markdown
from issues.rendering.limits import (
    MAX_CELLS,
    LimitExceededError,
    check_html,
    check_text,
    count_cells,
    count_rescanned,
)
from issues.rendering.markdown import to_html
from tests.depth import DEPTH
from tests.growing import assert_linear, seconds


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("a | b\nc | d", 0),
        ("Title\n-----\ntext\ntext", 0),
        ("> - - -\ntext", 0),
        ("a\n-\f\ntext", 2),
        ("|a|b|\n|-|-|", 2),
        ("|a|b|\n|-|-|\n|1|2|\n|3|4|", 6),
        ("a|b\n-|-\n1|2\n\nc\nd", 4),
        ("a\n:-:\nb", 2),
        ("   a | b\n   :-- | --:\n1", 4),
        ("> |a|b|\n> |-|-|\n> 1\n>\n> text", 4),
        ("- 1. a|b\n     -|-\n     1|2\n", 4),
        ("> - > a|b\n>   > -|-\n>   > 1|2\n", 4),
        ("a|b\r-|-\r1|2\r\r\nc", 4),
        ("|a|b|\n|-|-|\n1\n\n|a|b|c|\n|-|-|-|\n1", 10),
        ("a|b\n-|-\n" + "\n" * 100, 2),
        ("a|b\n-|-\n\f\n\v", 6),
    ],
)
def test_cells_are_columns_times_rows(text, cells):
    assert count_cells(text) == cells


TABLE_PIECES = [
    *(
        "|",
        "-",
        ":",
        "a",
        " ",
        "  ",
        "    ",
        "\t",
        "\f",
        "\v",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        ">",
        "> ",
    ),
    *("- ", "1. ", "- [x] ", "***\n", "#", "`", "```\n", "<b>\n", "\\|", "|-|-|\n", "|a|b|\n"),
    *("a|b\n-|-\n", "\0", "\x1c", "\u00a0", "\u2028"),
]


@settings(max_examples=2000 * DEPTH, deadline=None)
@given(st.lists(st.sampled_from(TABLE_PIECES), max_size=40).map("".join))
@example("a|b\n-|-\n>\n1|2")
@example("> a|b\n-|-\n1|2")
@example("- a|b\n  -|-\n- 1|2")
def test_no_cell_goes_uncounted(text):
    assert len(re.findall(r"<t[hd][ >]", to_html(text))) <= count_cells(text)


def test_the_limit_of_cells_is_exact_for_a_plain_table():
    def table(cells):
        return "|a|b|\n|-|-|\n" + "|1|2|\n" * (cells // 2 - 1)

    check_text(table(MAX_CELLS))
    with pytest.raises(LimitExceededError):
        check_text(table(MAX_CELLS + 2))


def test_rows_without_a_table_above_are_no_cells():
    assert render_markdown("a|b\n" * 20_000).startswith("<p>a|b<br>")


@pytest.mark.parametrize(
    ("html", "rescanned"),
    [
        ("<p>ab</p>", 0),
        ("<p>a&amp;b</p>", 9),  # "p>a&amp;b"
        ("<p>&amp;</p><p>&amp;</p>", 14),
        ("&amp;&amp;", 20),
        ("\u00a0", 2),
        ("¿°é한", 2 * 9),
    ],
)
def test_what_is_read_again_is_length_times_ampersands(html, rescanned):
    assert count_rescanned(html) == rescanned


@pytest.mark.parametrize(
    "html",
    ["", "<p>a</p>", "<!-- x -->", "<ul><li>a<br />b<hr /></li></ul>" * 1000],
)
def test_ordinary_html_passes(html):
    check_html(html)


HOSTILE = {
    "quotes": ">",
    "lists": "1. ",
    "bullets": "* ",
    "nested bullets and blank lines": "* \n",
    "mixed containers": "> 1. * ",
    "less-than": "<",
    "tags": "<a>",
    "open tags": "<a b='",
    "comments": "<!--",
    "quotation marks": '"',
    "open brackets": "[",
    "open links": "[a](b",
    "open destinations": "[a](<b",
    "pictures": "![](a)",
    "linked pictures": "[![a](b)](c)",
    "own pictures": f"![a](/uploads/{'a' * 32}/b.png) ",
    "open pictures": "![",
    "emphasis": "*a **b _c ~~d ",
    "alternating emphasis": "*_",
    "stars": "**",
    "tildes": "~~a ~b ",
    "backticks": "e```e``e`",
    "backslashes": "\\",
    "references": "[a]: u\n",
    "footnotes": "[^a]: b\n",
    "addresses": "a@b.c ",
    "open addresses": "a@",
    "dots": "a.",
    "autolinks": "http://a.b/(",
    "closing brackets": "http://a.b/)))) ",
    "www": "www.a_",
    "xmpp": "xmpp:a@b.c/",
    "tables": "|a|b|\n|-|-|\n|1|2|\n\n",
    "delimiter rows": "|-|-|\n",
    "pipes": "|",
    "dashes": "-",
    "colons and spaces": ": \t",
    "delimiters": "-|:",
    "short rows": "|\n",
    "headings": "# a\n",
    "underlined": "a\n=\n",
    "fences": "```\n",
    "lines": "a\n",
    "blank lines": "\n",
    "carriage returns": "\r",
    "blanks": " \t",
    "korean": "가**나(a)**",
    "tasks": "- [x] a\n",
    "nul": "\0",
}


@pytest.mark.growth
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_grows_with_the_length(unit):
    count = len(unit.encode())
    assert_linear(render_markdown, lambda size: unit * (size // count), 50_000, 200_000)


@pytest.mark.growth
@pytest.mark.parametrize("unit", ["xxxxxxxx&", "xxxxxxxx\u00a0"])
def test_what_is_read_again_and_again_takes_a_bounded_time(unit):
    """The square of the length, up to MAX_RESCANNED; without a limit a megabyte takes seconds."""
    count = len(unit.encode())
    for size in (100_000, 200_000, 400_000, 1_000_000):
        assert seconds(render_markdown, unit * (size // count)) < 1


SANDWICHES = {
    "a reference with a long title": lambda n: "[a]: /" + "x" * n + "\n\n" + "[a]\n" * (n // 4),
    "lists in lists, then blank lines": lambda n: "* " * (n // 2) + "a\n" + "\n" * n,
    "emphasis in emphasis": lambda n: "*a **a " * (n // 7) + "b" + " a** a*" * (n // 7),
    "pictures in pictures": lambda n: "![" * (n // 6) + "a" + "](b)" * (n // 6),
    "brackets": lambda n: "[" * n + "a" + "]" * n,
    "quotes, then lazy lines": lambda n: "> " * 90 + "a\n" + "b\n" * n,
    "lists by indentation": lambda n: "".join("  " * i + "- a\n" for i in range(int(n**0.5))),
    "growing backticks": lambda n: "".join("e" + "`" * i for i in range(int((2 * n) ** 0.5))),
    "a wide table": lambda n: "|a" * n + "|\n" + "|-" * n + "|\n" + "|b" * n + "|\n",
    "a wide table of short rows": lambda n: "|a" * 99 + "|\n" + "|-" * 99 + "|\n" + "b\n" * n,
    "one long title": lambda n: '[a](b "' + "x&" * n + '")',
    "one long address": lambda n: "http://a.b/?" + "x&" * n,
}


@pytest.mark.growth
@pytest.mark.parametrize("make", SANDWICHES.values(), ids=SANDWICHES.keys())
def test_time_grows_with_the_length_of_parts(make):
    assert_linear(render_markdown, make, 25_000, 100_000)
