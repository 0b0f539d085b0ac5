"""What holds for all markup: it never raises, and nothing in the Markdown can act."""

import re

import comrak
import nh3
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email.parsing.html.markdown import split_html_reply, to_markdown
from tests.depth import DEPTH

PIECES = [
    "<div>",
    "</div>",
    "<p>",
    "<b>",
    "</b>",
    "<blockquote type=cite>",
    "</blockquote>",
    "<br>",
    "<hr>",
    '<div class="gmail_quote">',
    "<table><tr><td>",
    "</table>",
    "<pre>",
    "</pre>",
    "<code>",
    "</code>",
    "<script>alert(1)</script>",
    '<a href="javascript:alert(1)">',
    '<a href="https://example.com">',
    "</a>",
    "<img src=x onerror=alert(1)>",
    '<img src="cid:1">',
    "<svg onload=alert(1)>",
    "&lt;script&gt;",
    "&lt;img src=x onerror=alert(1)&gt;",
    "[x](javascript:alert(1))",
    "](javascript:alert(1))",
    "\\&lt;svg onload=alert(1)&gt;",
    "[x]: javascript:alert(1)",
    "<!--",
    "-->",
    "`",
    "```",
    "text",
    "@bob",
    "/close",
    "&#x3c;b&#x3e;",
    "\\",
    "<style>",
    "<p hidden>",
    "On 3 May 2024, Ann &lt;ann@example.com&gt; wrote:",
    "&amp;lt;i&amp;gt;",
    "|",
    "*",
    "_",
    "#",
    "~~",
    '<a href="java&#10;script:alert(1)">',
    '<a href="data:text/html,x">',
    '<div id="divRplyFwdMsg">',
]
MARKUP = st.one_of(
    st.text(max_size=100), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
)
ACTIVE = re.compile(r"<(?:script|img|svg|a|iframe)[^>]*(?:\son\w+=|(?:java|vb)script:|data:)")


def render(markdown: str) -> str:
    """As a page without any sanitiser would."""
    return comrak.markdown_to_html(
        markdown,
        comrak.ExtensionOptions(
            table=True,
            strikethrough=True,
            tasklist=True,
            autolink=True,
            cjk_friendly_emphasis=True,
        ),
        comrak.ParseOptions(),
        comrak.RenderOptions(unsafe_=True),
    )


@settings(max_examples=1000 * DEPTH, deadline=None)
@given(MARKUP)
def test_rendered_markdown_holds_nothing_active(markup):
    rendered = render(to_markdown(markup)).lower()

    assert ACTIVE.search(rendered) is None
    assert "<script" not in rendered
    assert "<svg" not in rendered


PROSE = [
    piece for piece in PIECES if "`" not in piece and "<pre" not in piece and "code" not in piece
]


@settings(max_examples=500 * DEPTH, deadline=None)
@given(st.lists(st.sampled_from(PROSE), max_size=25).map("".join))
def test_no_line_is_a_quick_action_or_mention(markup):
    markdown = to_markdown(markup)

    assert re.search(r"(?m)^[\s>-]*/close", markdown) is None
    assert re.search(r"(?<![\w\\@/.+-])@bob", markdown) is None


@settings(max_examples=500 * DEPTH, deadline=None)
@given(MARKUP)
def test_split_holds_no_marks_and_no_active_markup(markup):
    split = split_html_reply(markup)

    for half in (split.reply, split.quoted):
        assert not set(half) & {"\x00", *map(chr, range(0xFDD0, 0xFDF0))}
        assert ACTIVE.search(render(half).lower()) is None


@settings(max_examples=300 * DEPTH, deadline=None)
@given(st.lists(st.sampled_from(["alpha", "beta", "gamma"]), min_size=1, max_size=9))
def test_every_word_is_in_one_of_the_halves(words):
    quote = '<blockquote type="cite">delta</blockquote>'
    markup = quote + "".join(f"<p>{word}</p>" for word in words) + quote

    split = split_html_reply(markup)

    found = nh3.clean(f"{split.reply} {split.quoted}").replace("&gt;", " ").split()
    assert sorted(found) == sorted([*words, "delta", "delta"])


def test_code_with_a_backtick_beside_other_code_frees_nothing():
    """Found by the property above: two fences side by side were read as one longer."""
    markup = "<code>&lt;svg onload=alert(1)&gt;`</code><code>&lt;script&gt;</code>"
    assert "<svg" not in render(to_markdown(markup)).lower()
