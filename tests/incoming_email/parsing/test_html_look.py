"""The Markdown of an HTML mail, shown as our pages show it, looks as the mail did."""

import re

import pytest

from incoming_email.parsing.html.markdown import to_markdown
from issues.rendering import render_markdown

REL = ' rel="nofollow noopener"'


def show(markup: str) -> str:
    """As a page shows the mail; line ends between elements left out."""
    rendered = str(render_markdown(to_markdown(markup))).replace(REL, "")
    return re.sub(r"(?<=>)\n|\n(?=<)", "", rendered)


@pytest.mark.parametrize(
    "markup",
    [
        "<h1>One</h1><h2>Two <em>it</em></h2><h6>Six</h6><p>text</p>",
        "<h1># 1. x</h1>",
        "<p>a <strong>b</strong> <em>c</em> <del>d</del> wo<strong>r</strong>d</p>",
        "<p><em><strong>both</strong></em></p>",
        "<p>**<strong>x</strong>** a*<em>b</em>*c</p>",
        "<p>한글<strong>굵게</strong>입니다</p>",
        "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>",
        "<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d<ol><li>e</li></ol></li></ol>",
        "<ul><li><p>a</p><p>second par</p></li><li><p>b</p></li></ul>",
        '<ol start="5"><li>a</li><li>b</li></ol>',
        "<ol><li>a</li></ol><p>between</p><ol><li>b</li></ol>",
        "<ul><li><blockquote><p>q</p></blockquote></li></ul>",
        "<ul><li><strong>bold</strong>: text</li></ul>",
        "<table><thead><tr><th>A</th><th>B</th></tr></thead>"
        "<tbody><tr><td>1|2</td><td>3</td></tr></tbody></table>",
        "<blockquote><p>one</p><blockquote><p>two</p></blockquote></blockquote><p>after</p>",
        "<blockquote><p>a</p></blockquote><blockquote><p>b</p></blockquote>",
        "<blockquote><ul><li>x</li></ul></blockquote>",
        "<p>Use <code>x &lt; y &amp;&amp; z|w</code>.</p>",
        '<p><a href="https://example.com/?a=1&amp;b=2">link <strong>bold</strong></a></p>',
        '<h2><a href="https://example.com">heading</a></h2>',
        "<p>x</p><hr><p>y</p>",
        "<p>a<br>b</p>",
    ],
)
def test_what_markdown_can_say_comes_back_as_it_was(markup):
    assert show(markup) == markup


def test_code_keeps_each_line_and_blank():
    markup = "<pre>def f():\n    return '```'\n\n\n\n# x  *y*</pre>"

    assert show(markup) == ("<pre><code>def f():\n    return '```'\n\n\n\n# x  *y*</code></pre>")


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        # Outlook and Google Docs: lists right in lists, emphasis as style
        (
            "<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>",
            "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
        ),
        ("<ol><ol><li>a</li></ol></ol>", "<ol><li><ol><li>a</li></ol></li></ol>"),
        (
            '<p><span style="font-weight:700;font-style:italic">a</span> b</p>',
            "<p><em><strong>a</strong></em> b</p>",
        ),
        ('<b style="font-weight:normal"><p>a</p></b>', "<p>a</p>"),
        ('<p><span style="text-decoration: line-through">a</span></p>', "<p><del>a</del></p>"),
        # tables that only place their content
        ("<table><tr><td>only</td></tr><tr><td>below</td></tr></table>", "<p>only</p><p>below</p>"),
        (
            "<table><tr><td><table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>"
            "</table></td></tr><tr><td>x</td></tr></table>",
            "<table><thead><tr><th>1</th><th>2</th></tr></thead>"
            "<tbody><tr><td>3</td><td>4</td></tr></tbody></table><p>x</p>",
        ),
        (
            "<table><tr><td><pre>a | b\n c</pre></td><td>x</td></tr></table>",
            "<pre><code>a | b\n c</code></pre><p>x</p>",
        ),
        (
            "<table><tr><td colspan=2>wide</td></tr><tr><td>1</td><td>2</td></tr></table>",
            "<table><thead><tr><th>wide</th><th></th></tr></thead>"
            "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
        ),
        # a mark at the edge of bold text, which Markdown would leave with its stars
        ("<p><b>“굵게”</b>는</p>", "<p><strong>“굵게</strong>”는</p>"),
        ("<p>中文<b>粗体。</b>文字</p>", "<p>中文<strong>粗体</strong>。文字</p>"),
        ("<p>a<b>(x)</b> <b>y<i>z.</i></b>w</p>",
         "<p>a(<strong>x)</strong> <strong>y<em>z</em></strong>.w</p>"),
        # pictures and links
        (
            '<p><a href="https://example.com/x"><img src="https://e.com/i.png" alt="pic"></a></p>',
            '<p><a href="https://example.com/x">pic</a></p>',
        ),
        (
            '<p><a href="https://example.com/x"><img src="https://example.com/i.png"></a></p>',
            '<p><a href="https://example.com/x">https://example.com/x</a></p>',
        ),
        ('<p><a href="https://example.com"></a>x</p>', "<p>x</p>"),
        (
            '<p><img src="https://example.com/i.png" alt="a [b] c"></p>',
            '<p><a href="https://example.com/i.png">a  b  c</a></p>',
        ),
        ("<p>a</p><p>&nbsp;</p><div>b</div><div><br></div>c", "<p>a</p><p>b</p><p>c</p>"),
    ],
)  # fmt: skip
def test_what_markdown_says_in_another_way(markup, shown):
    assert show(markup) == shown


@pytest.mark.parametrize(
    "text",
    [
        "1) a", "2024. b", "+ c", "* d", "- e", "# f", "&gt; g", "| a | b |", "===", "---", "~~~",
        "```", "`x`", "*x* _y_ __z__ **w** ~~v~~", "[x](https://e.com)", "![x](https://e.com)",
        "[ref]: https", "[^1]", "[ ] task", "&lt;b&gt;", "\\*", "&amp;copy;", "a\\", "/close",
        "/label ~bug", "@bob", "(@bob)", "#123", "!45", ":smile:", "$1", "x^2", "a_b_c", "    four",
        "<span></span>/close", "<b>/close</b>", "\u200b/close",
    ],
)  # fmt: skip
def test_text_that_looks_like_markup_shows_as_text(text):
    wanted = re.sub(r"</?span>", "", text).strip().replace("<b>", "<strong>")
    wanted = wanted.replace("</b>", "</strong>")
    shown = show(f"<p>{text}</p>").replace('<a href="https://e.com">', "").replace("</a>", "")

    assert shown == f"<p>{wanted}</p>"
    assert show(f"first<br>{text}").startswith("<p>first<br>")


@pytest.mark.parametrize("place", ["<p>{}</p>", "<li>{}", "<h2>{}</h2>", "<td>{}", "a<br>{}"])
@pytest.mark.parametrize(
    "text",
    [
        *("/close", "&nbsp;/close", "\u200b/close", "/<i></i>close", "/<!-- x -->close"),
        *("@bob", "<i>@bob</i>"),
    ],
)
def test_commands_and_mentions_are_inert(place, text):
    markdown = to_markdown(place.format(text))

    assert re.search(r"(?m)^[\s\u200b]*/close", markdown) is None
    assert re.search(r"(?<![\w\\])@bob", markdown) is None
