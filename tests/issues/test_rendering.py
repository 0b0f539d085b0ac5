"""What people and mails write, as HTML that cannot hurt."""

import time

import pytest

from issues.rendering import MAX_TEXT_BYTES, render_mail, render_markdown


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
        (
            "![cat](/uploads/abc/cat.png)",
            '<p><img src="/uploads/abc/cat.png" alt="cat"></p>\n',
        ),
        (
            "[notes](/uploads/abc/notes.txt)",
            '<p><a href="/uploads/abc/notes.txt" rel="nofollow noopener">notes</a></p>\n',
        ),
        ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>\n"),
        ("a\tb & c < d", "<p>a\tb &amp; c &lt; d</p>\n"),
        ("", ""),
    ],
)
def test_markdown_becomes_html(text, html):
    assert render_markdown(text) == html


def test_a_table_and_a_task_list():
    html = render_markdown("| a | b |\n|--:|---|\n| 1 | 2 |\n\n- [x] done\n")

    assert '<td align="right">1</td>' in html
    assert '<input type="checkbox" checked="" disabled="">' in html


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
        '![" onerror="alert(1)](/uploads/a/b.png)',
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


@pytest.mark.parametrize(
    "src", ["https://tracker.example.com/p.gif", "//tracker.example.com/p.gif", "/logout/"]
)
def test_a_picture_from_elsewhere_is_a_link(src):
    html = render_markdown(f"![pixel]({src})")

    assert "<img" not in html
    assert html == f'<p><a href="{src}" rel="nofollow noopener">pixel</a></p>\n'


def test_a_picture_without_a_name_is_a_link_to_its_address():
    assert ">https://example.com/p.gif</a>" in render_markdown("![](https://example.com/p.gif)")


def test_a_mail_has_absolute_addresses_and_no_pictures():
    text = "![cat](/uploads/abc/cat.png) [x](/acme/shop/) [y](https://example.com/)"

    html = render_mail(text, base_url="https://letterbox.localhost")

    assert 'href="https://letterbox.localhost/uploads/abc/cat.png"' in html
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


@pytest.mark.parametrize("bomb", [">" * 100_000, "&" * 1_000_000, "1. " * 100_000 + "a"])
def test_a_markdown_bomb_is_shown_as_text_in_bounded_time(bomb):
    started = time.process_time()

    html = render_markdown(bomb)

    assert html.startswith('<pre lang="text">')
    assert "<blockquote>" not in html
    assert time.process_time() - started < 10


def test_quotes_of_quotes_are_no_bomb():
    assert render_markdown("> " * 60 + "deep").count("<blockquote>") == 60


def test_a_lone_surrogate_is_no_error():
    assert render_markdown("a\ud800b") == "<p>a?b</p>\n"
