"""HTML to Markdown: the same look, nothing that acts, in linear time."""

from time import process_time

import pytest

from incoming_email.parsing.html.markdown import split_html_reply, to_markdown
from issues.rendering.markdown import to_html
from tests.growing import assert_linear


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("", ""),
        ("   ", ""),
        ("<p></p>", ""),
        ("plain & text", "plain & text"),
        ("<p>a\nb\t c</p>", "a b c"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("a<br>b", "a  \nb"),
        ("<h1>T</h1><h3>U</h3>", "# T\n\n### U"),
        ("<b>bold</b> <i>it</i> <s>gone</s>", "**bold** *it* ~~gone~~"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n  1. b\n- c"),
        ('<ol start="3"><li>a</li></ol>', "3. a"),
        ("<blockquote><p>q</p></blockquote>", "> q"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<pre>if x:\n    *y* @z</pre>", "```\nif x:\n    *y* @z\n```"),
        ("<code>a*b @c</code>", "`a*b @c`"),
        ("<pre><span>a</span><br>*b*<code>c</code></pre>", "```\na\n*b*c\n```"),
        ("<code>a<b>b</b>*</code>", "`ab*`"),
        ("<code>a<p>*b*</p></code>", "a\n\n\\*b\\*"),
        ("<b><pre>*b*</pre></b>", "**\\*b\\***"),
        ('<a href="https://example.com/x">word</a>', "[word](https://example.com/x)"),
        ('<a href="https://example.com/x">https://example.com/x</a>', "https://example.com/x"),
        ('<a href="mailto:a@example.com">a@example.com</a>', "a@example.com"),
        ("<a>no brackets</a>", "no brackets"),
        ('<img src="cid:a@b" alt="pic">', "![pic](cid:a@b)"),
        ('<img src="cid:a" alt="x\\](javascript:y)">', "![x  (javascript:y)](cid:a)"),
        (
            '<a href="https://example.com/a(b)\\c|d">w</a>',
            "[w](https://example.com/a%28b%29%5Cc%7Cd)",
        ),
        ('<a href="https://example.com">a](b)</a>', r"[a\](b)](https://example.com)"),
        (
            "<table><tr><th>A</th><th>B</th></tr><tr><td>1|2</td><td>3</td></tr></table>",
            "| A    | B |\n| ---- | --- |\n| 1\\|2 | 3 |",
        ),
    ],
)
def test_look_is_kept(markup, markdown):
    assert to_markdown(markup) == markdown


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("**stars** and *one*", r"\*\*stars\*\* and \*one\*"),
        ("_under_ but a_b_c", r"\_under\_ but a_b_c"),
        ("`tick` ~~x~~", r"\`tick\` \~\~x\~\~"),
        ("[x](y) ![z](w)", r"\[x\](y) !\[z\](w)"),
        ("# no heading", r"\# no heading"),
        ("- no bullet", r"\- no bullet"),
        ("1. no number", r"1\. no number"),
        ("&gt; no quote", r"\> no quote"),
        ("---", r"\---"),
        ("a \\ b \\&lt;i&gt;", r"a \\ b \\\<i\>"),
        ("&lt;script&gt;", r"\<script\>"),
        ("&amp;lt; &amp;amp;", r"\&lt; \&amp;"),
        ("hello @bob, a@example.com", r"hello \@bob, a@example.com"),
        ("/close", r"\/close"),
        ("see /close", "see /close"),
        ("https://example.com/a_b~c?d=1", "https://example.com/a_b~c?d=1"),
    ],
)
def test_text_that_looks_like_markup_is_escaped(text, markdown):
    assert to_markdown(f"<p>{text}</p>") == markdown


@pytest.mark.parametrize("line", ["# h", "- b", "1. n", "&gt; q", "---", "/close", "@bob", "==="])
def test_text_after_a_line_break_is_escaped_too(line):
    rendered = to_html(to_markdown(f"first<br>{line}"))

    assert rendered == f"<p>first<br />\n{line}</p>\n"


def test_escapes_render_back_to_the_text():
    text = "**a** _b_ `c` [d](e) ~~f~~ \\g &lt;h&gt; &amp;amp; | i"

    rendered = to_html(to_markdown(f"<p>{text}</p>"))

    assert rendered == f"<p>{text}</p>\n"


@pytest.mark.parametrize(
    "markup",
    [
        "ok<script>alert(1)</script>",
        "ok<style>p{color:red}</style>",
        "<head><title>t</title></head><body>ok</body>",
        "ok<!-- hidden -->",
        '<div style="display:none">preheader</div>ok',
        '<span style="Display: None; font-size:0">preheader</span>ok',
        '<div style="max-height:0px;overflow:hidden">preheader</div>ok',
        "<p hidden>preheader</p>ok",
        'ok<img src="https://t.example.com/o.gif" width="1" height="1">',
        'ok<img src="https://t.example.com/o.gif" style="width:1px;height:1px">',
        'ok<img src="x" onerror="alert(1)">',
        'ok<img src="data:image/png;base64,AAAA" alt="">',
        "ok<form><textarea>t</textarea></form>",
        '<a href="javascript:alert(1)">ok</a>',
        '<a href="JaVaScRiPt&#58;alert(1)">ok</a>',
        '<a href="data:text/html,x">ok</a>',
        '<a href="vbscript:x">ok</a>',
        '<a href="//evil.example.com">ok</a>',
        "<![if !supportLists]>ok<![endif]>",
        "<o:p>ok</o:p>",
    ],
)
def test_what_nobody_should_see_or_run_is_gone(markup):
    assert to_markdown(markup) == "ok"


def test_remote_image_stays_a_link_and_is_not_fetched():
    markup = '<img src="http://169.254.169.254/latest/meta-data/" alt="x">'

    assert to_markdown(markup) == "![x](http://169.254.169.254/latest/meta-data/)"


def test_nuls_and_half_surrogates():
    assert to_markdown("<p>a\x00b \ud800 c</p>") == "ab ? c"


def test_own_marks_in_the_mail_do_nothing():
    assert split_html_reply("<p>a</p><p>\ufdd1</p><p>\ufdd3*b*</p>").reply == "a\n\n\\*b\\*"


def test_t01_run_of_blanks():
    begin = process_time()

    assert to_markdown("<p>a" + " " * 200_000 + "b</p>") == "a b"
    assert process_time() - begin < 5


def test_t02_thousands_of_links():
    begin = process_time()
    markdown = to_markdown('<a href="https://example.com/1">x</a> ' * 6_000)

    assert markdown.count("[x](https://example.com/1)") == 6_000
    assert process_time() - begin < 5


@pytest.mark.parametrize(
    ("opening", "count"), [("<div>", 5_000), ("<table><tr><td>", 1_500), ("<b>", 3_000)]
)
def test_t03_deep_nesting_keeps_the_text(opening, count):
    markup = opening * count + "deep text" + "<script>no</script>"

    assert to_markdown(markup) == "deep text"
    assert split_html_reply(markup).reply == "deep text"


def test_bomb_text_is_escaped_as_well():
    markup = "<div>" * 5_000 + "# a<p>/close @bob &lt;b&gt;<!-- no --><style>no</style>"

    assert to_markdown(markup) == "\\# a\n\n\\/close \\@bob \\<b\\>".replace("\n\n", "\n")


@pytest.mark.parametrize("reference", ["&", "& ", "&nbsp;", "&#1", "&x;"])
def test_hundreds_of_thousands_of_references(reference):
    """The sanitiser's time is quadratic in their number: 400 kB took 14 s, 2 MB some minutes."""
    started = process_time()
    markdown = to_markdown(f"<p><b>first</b> {reference * 200_000} last</p>")
    assert process_time() - started < 5
    assert markdown.startswith("first")
    assert markdown.rstrip().endswith("last")


def test_a_table_with_a_few_long_rows_is_not_filled_up():
    """Markdown fills up each row to the longest: a megabyte of it cost 1.4 GB."""
    wide = "<td>a" * 2_000
    markdown = to_markdown(f"<table><tr>{wide}</tr>{'<tr><td>b<td>c</tr>' * 2_000}</table>")
    assert len(markdown) < 50_000
    assert (markdown.count("a"), markdown.count("b"), markdown.count("c")) == (2_000,) * 3


def test_a_large_table_stays_a_table():
    row = "<tr><td>a<td>b<td>c</tr>"
    markdown = to_markdown(f"<table>{row * 2_000}</table>")
    assert markdown.count("| a | b | c |") == 2_000


def test_thousands_of_attributes():
    begin = process_time()
    attributes = " ".join(f"a{number}=1" for number in range(100_000))

    assert to_markdown(f"<p {attributes}>text</p>") == "text"
    assert process_time() - begin < 5


GROWING = {
    "nested divs": "<div>",
    "nested bold": "<b>",
    "nested quotes": "<blockquote type=cite>",
    "list items": "<li>x",
    "paragraphs": "<p>hello</p>",
    "breaks": "a<br>",
    "angles": "<",
    "open tags": "<script",
    "comments": "<!--",
    "entities": "&amp;",
    "wrappers": '<div class="gmail_quote">a<blockquote>b</blockquote></div>',
    "wrappers in each other": '<div class="gmail_quote">a<br>',
    "styled paragraphs": "<b><p>x",
    "stars": "*_",
    "blanks": " ",
}


@pytest.mark.growth
@pytest.mark.parametrize("unit", GROWING.values(), ids=GROWING.keys())
def test_time_grows_with_the_length(unit):
    assert_linear(split_html_reply, lambda size: unit * (size // len(unit)), 30_000, 120_000)


REMOVED = {
    "trackers": '<img width="1" src="https://e.com/i">x',
    "hidden": "<b hidden></b>x",
    "empty links": '<a href="https://e.com"></a>x',
    "links that say their target": '<a href="https://e.com">https://e.com</a> ',
    "pictures as links": '<a href="https://e.com"><img src="https://e.com/i"></a>',
    "bold marks": "<b>.</b>x",
}


@pytest.mark.growth
@pytest.mark.parametrize("unit", REMOVED.values(), ids=REMOVED.keys())
def test_what_is_taken_out_of_a_megabyte_takes_linear_time(unit):
    assert_linear(split_html_reply, lambda size: unit * (size // len(unit)), 100_000, 800_000)
