"""What people and mails write, as HTML that cannot hurt."""

import time
from functools import partial

import pytest
from django.utils import translation

from issues.rendering import render_mail, render_markdown
from issues.rendering.limits import MAX_PLAIN_BYTES, MAX_TEXT_BYTES

FILES = "/uploads/0123456789abcdef0123456789abcdef"
REL = 'rel="nofollow noopener"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Hello\nthere", "<p>Hello<br>\nthere</p>\n"),
        ("**bold** ~~gone~~", "<p><strong>bold</strong> <del>gone</del></p>\n"),
        (
            "[here](https://example.com/a?b=1&c=2)",
            '<p><a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener">here</a></p>\n',
        ),
        (
            "see https://example.com/x.",
            '<p>see <a href="https://example.com/x" rel="nofollow noopener">'
            "https://example.com/x</a>.</p>\n",
        ),
        (f"![cat]({FILES}/cat.png)", f'<p><img src="{FILES}/cat.png" alt="cat"></p>\n'),
        (f"[notes]({FILES}/notes.txt)", f'<p><a href="{FILES}/notes.txt" {REL}>notes</a></p>\n'),
        ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>\n"),
        ("a\tb & c < d", "<p>a\tb &amp; c &lt; d</p>\n"),
        ("", ""),
    ],
)
def test_markdown_becomes_html(text, html):
    assert render_markdown(text) == html


FEATURES = {
    "hard breaks": ("a\nb\\\nc  \nd", "<p>a<br>\nb<br>\nc<br>\nd</p>"),
    "alignment": (
        "| a | b | c |\n|:--|--:|:-:|\n| 1 | 2 | 3 |",
        '<th align="left">a</th>\n<th align="right">b</th>\n<th align="center">c</th>',
    ),
    "short rows": ("|a|b|\n|-|-|\n|1|", "<tr>\n<td>1</td>\n<td></td>\n</tr>"),
    "a pipe in a cell": ("|a|\n|-|\n|`b\\|c`|", "<td><code>b|c</code></td>"),
    "a quoted table": ("> a|b\n> -|-\n> 1|2", "<blockquote>\n<table>"),
    "task lists": (
        "- [x] done\n- [ ] open",
        '<li><input type="checkbox" checked="" disabled=""> done</li>\n'
        '<li><input type="checkbox" disabled=""> open</li>',
    ),
    "start": ("7. seven\n8. eight", '<ol start="7">'),
    "an empty item": ("1.", "<ol>\n<li></li>\n</ol>"),
    "language": ("```python\nx < 1\n```", '<pre lang="python"><code>x &lt; 1\n</code></pre>'),
    "open fence": ("```\nx", "<pre><code>x\n</code></pre>"),
    "strikethrough": ("~~a~~ ~b~", "<del>a</del> <del>b</del>"),
    "www": ("www.example.com.", f'<a href="http://www.example.com" {REL}>www.example.com</a>.'),
    "brackets": ("(https://e.com/a_(b))", f'(<a href="https://e.com/a_(b)" {REL}>'),
    "address": ("a@example.com", f'<a href="mailto:a@example.com" {REL}>a@example.com</a>'),
    "angle brackets": ("<https://e.com/a>", f'<a href="https://e.com/a" {REL}>'),
    "reference": (
        "[a]\n\n[a]: https://e.com 'T'",
        f'<a href="https://e.com" title="T" {REL}>a</a>',
    ),
    "underscores": ("snake_case_name", "<p>snake_case_name</p>"),
    "headings": ("# a\n\nb\n---\n", "<h1>a</h1>\n<h2>b</h2>"),
}


@pytest.mark.parametrize(("text", "html"), FEATURES.values(), ids=FEATURES.keys())
def test_markdown_of_github(text, html):
    assert html in render_markdown(text)
    assert html in render_mail(text, base_url="https://letterbox.localhost")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**굵게**입니다", "<strong>굵게</strong>입니다"),
        ("**“인용”**입니다", "<strong>“인용”</strong>입니다"),
        ("**이 용어(This term)**를", "<strong>이 용어(This term)</strong>를"),
        ("그는 *강조(x)*는", "그는 <em>강조(x)</em>는"),
        ("~~취소(a)~~입니다", "<del>취소(a)</del>입니다"),
        ("これは**太字。**です", "これは<strong>太字。</strong>です"),
    ],
)
def test_emphasis_ends_before_a_korean_or_japanese_particle(text, html):
    assert render_markdown(text) == f"<p>{html}</p>\n"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&colon;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "<svg onload=alert(1)>",
        "![x](javascript:alert(1))",
        '[x](/a "onmouseover=alert(1)")',
        '[x](https://example.com/"onmouseover="alert(1))',
        f'![" onerror="alert(1)]({FILES}/b.png)',
        f'![a]({FILES}/b.png "\\" onerror=\\"alert(1)")',
        "<style>body{display:none}</style>",
        "`</code><script>alert(1)</script>`",
        '```"><script>alert(1)</script>\nx\n```',
    ],
)
def test_nothing_active_survives(text):
    html = render_markdown(text).lower()

    for element in ("<script", "<svg", "<style", "<iframe", 'href="javascript', 'href="data:'):
        assert element not in html
    assert 'src="javascript' not in html
    assert ' onerror="' not in html
    assert ' onmouseover="' not in html
    assert 'href="vbscript' not in html


def test_a_mail_has_absolute_addresses_and_no_pictures():
    text = f"![cat]({FILES}/cat.png) [x](/acme/shop/) [y](https://example.com/)"

    html = render_mail(text, base_url="https://letterbox.localhost")

    assert f'href="https://letterbox.localhost{FILES}/cat.png"' in html
    assert 'href="https://letterbox.localhost/acme/shop/"' in html
    assert 'href="https://example.com/"' in html
    assert "<img" not in html


def test_text_past_the_limit_is_not_shown_and_says_so():
    html = render_markdown("x" * MAX_TEXT_BYTES + "hidden")

    assert "hidden" not in html
    assert html.endswith("<p><em>The text is longer; the rest is not shown.</em></p>")


def test_a_character_on_the_limit_is_not_torn():
    html = render_markdown("é" * MAX_TEXT_BYTES)

    assert "\N{REPLACEMENT CHARACTER}" not in html


CELLS = (
    "This text has tables of more than 10,000 cells, so it is shown as plain text. "
    "Larger tables can be sent as a file."
)
DEEP = (
    "Quotes, lists or emphasis in this text are nested more than 100 deep, so it is shown as "
    "plain text."
)
MUCH = "There is too much in this text to format, so it is shown as plain text."

PAST_A_LIMIT = {
    "table of 1 MB": ("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 100_000, CELLS),
    "wide table of 12 kB": (
        "|a" * 1_000 + "|\n" + "|-" * 1_000 + "|\n" + "b\n" * 4_000,
        CELLS,
    ),
    "quoted table": ("> a|b\n> -|-\n" + "> 1|2\n" * 10_000, CELLS),
    "quotes": (">" * 1_000_000, DEEP),
    "quotes in a list": ("- 1. " + "> " * 1_000, DEEP),
    "emphasis": ("*a **a " * 140_000 + "b" + " a** a*" * 140_000, DEEP),
    "entities": ("&" * 1_000_000, MUCH),
    "no-break spaces": ("\u00a0a" * 300_000, MUCH),
    "links": ("a@b.c " * 160_000, MUCH),
    "links that cleaning makes longer": ("a@b.c " * 50_000, MUCH),
    "short lines": ("a\n" * 500_000, MUCH),
}
RENDERERS = {
    "page": render_markdown,
    "mail": partial(render_mail, base_url="https://letterbox.localhost"),
}


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS.keys())
@pytest.mark.parametrize(("text", "sentence"), PAST_A_LIMIT.values(), ids=PAST_A_LIMIT.keys())
def test_a_text_past_a_limit_is_shown_as_it_is_at_once(text, sentence, render):
    started = time.process_time()

    html = render(text)

    assert time.process_time() - started < 5
    assert html.startswith(f'<p><em>{sentence}</em></p>\n<pre lang="text">')
    assert html.count("<") <= 12
    assert len(html) < 7 * MAX_PLAIN_BYTES
    assert ("the rest is not shown" in html) == (len(text.encode()) > MAX_PLAIN_BYTES)


def test_the_sentence_is_korean_for_koreans():
    with translation.override("ko"):
        html = render_markdown(">" * 1_000)

    assert html.startswith("<p><em>이 글")


def test_a_long_mail_is_no_bomb():
    paragraph = (
        "Dear team & friends, the door “squeaks” – 문이 삐걱거립니다.\n> It did < before.\n\n"
    )
    html = render_markdown(paragraph * (900_000 // len(paragraph.encode())))

    assert html.startswith("<p>Dear team &amp; friends")
    assert "plain text" not in html


def test_quotes_of_quotes_are_no_bomb():
    assert render_markdown("> " * 60 + "deep").count("<blockquote>") == 60


def test_a_lone_surrogate_is_no_error():
    assert render_markdown("a\ud800b") == "<p>a?b</p>\n"
