"""How a message looks: what stays of its HTML, and what a page shows of its bytes."""

import base64

import pytest

from incoming_email.parsing.html.looks import MAX_IMAGE_BYTES, MAX_SHOWN_HTML, Image, show_html
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.looks import find_look
from incoming_email.parsing.mime.sources import MAX_SHOWN_BODY, show_source

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SHOWN = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def mail(*parts, kind="related"):
    body = b"".join(b"--x\n" + part + b"\n" for part in parts)
    head = b"From: a@example.com\nContent-Type: multipart/" + kind.encode() + b"; boundary=x\n\n"
    return head + body + b"--x--\n"


def html_of(markup):
    return show_html(markup, {})


@pytest.mark.parametrize(
    "markup",
    [
        "<script>bad()</script>",
        "<meta http-equiv=refresh content='0;url=https://bad.example/'>",
        "<base href='https://bad.example/'>",
        "<link rel=preconnect href='https://bad.example/'>",
        "<link rel=stylesheet href='https://bad.example/'>",
        "<iframe src='https://bad.example/'></iframe>",
        "<object data='https://bad.example/'></object>",
        "<embed src='https://bad.example/'>",
        "<svg><image href='https://bad.example/'/><script>bad()</script></svg>",
        "<math href='https://bad.example/'></math>",
        "<img src='https://bad.example/'>",
        "<img srcset='https://bad.example/ 2x'>",
        "<img src='//bad.example/'>",
        "<table background='https://bad.example/'><tr><td>x</table>",
        "<video src='https://bad.example/' poster='https://bad.example/'></video>",
        "<p onclick='bad()'>x</p>",
        "<form action='https://bad.example/'><button formaction='https://bad.example/'>x</form>",
        "<a ping='https://bad.example/'>x</a>",
        "<a href='javascript:bad()'>x</a>",
        "<noscript><p title='</noscript><img src=https://bad.example/>'></noscript>",
        "<!-- bad -->",
    ],
)
def test_nothing_that_acts_or_calls_is_left(markup):
    shown = html_of(f"<p>before</p>{markup}<p>after</p>")
    assert "bad" not in shown
    assert "before" in shown
    assert "after" in shown


def test_the_look_is_kept():
    markup = (
        "<style>p { color: red }</style><p style='color:#123456' align=center>Hi <b>Ada</b></p>"
    )
    shown = html_of(markup)
    assert "<style>p { color: red }</style>" in shown
    assert 'style="color:#123456"' in shown
    assert "<b>Ada</b>" in shown


def test_a_link_says_where_it_would_have_led():
    shown = html_of('<a href="https://shop.example/?a=1&amp;b=%2B">x</a>')
    assert '<a title="https://shop.example/?a=1&amp;b=+">x</a>' in shown
    assert "href" not in shown


def test_control_characters_in_an_encoded_address_are_left_out():
    shown = html_of('<a href="https://shop.example/%00a%1F%EF%BF%BF">x</a>')
    assert '<a title="https://shop.example/a">x</a>' in shown


def test_an_image_of_the_message_is_shown_in_its_place():
    part = b"Content-Type: image/png\nContent-ID: <logo@x>\nContent-Transfer-Encoding: base64\n\n"
    markup = b"Content-Type: text/html\n\n<p>Logo: <img src='cid:logo%40x' alt=Door></p>"
    look = find_look(mail(markup, part + base64.b64encode(PNG)), Limits())
    assert f'<img alt="Door" src="{SHOWN}">' in look.html


def test_an_image_in_the_address_is_shown():
    assert SHOWN in html_of(f'<img src="{SHOWN}">')
    assert "src" not in html_of('<img src="data:image/svg+xml;base64,AAAA">')


def test_images_are_shown_up_to_a_limit():
    images = {"big": Image("image/png", b"x" * (MAX_IMAGE_BYTES // 2))}
    shown = show_html("<img src='cid:big'>" * 4, images)
    assert shown.count("src=") == 2
    assert shown.count("<img") == 4


def test_html_is_shown_up_to_a_limit():
    shown = html_of("<p>" + "squeak " * MAX_SHOWN_HTML)
    assert MAX_SHOWN_HTML - 100 < len(shown) < MAX_SHOWN_HTML + 100


@pytest.mark.parametrize("markup", ["<div>" * 5000, "<b>" * 5000, f"<p {'a=b ' * 5000}>x"])
def test_markup_beyond_all_sense_is_not_shown(markup):
    assert not html_of(markup)


def test_a_message_without_html_has_none():
    look = find_look(b"From: a@example.com\n\nOnly <b>text</b>.\n", Limits())
    assert not look.html
    assert look.source.body == "Only <b>text</b>.\n"


def test_html_that_came_as_a_file_is_no_look():
    file = b"Content-Type: text/html; name=page.html\n\n<p>File</p>"
    assert not find_look(mail(file, kind="mixed"), Limits()).html


def test_the_alternative_in_html_is_the_look():
    plain, rich = b"Content-Type: text/plain\n\nHi", b"Content-Type: text/html\n\n<b>Hi</b>"
    assert "<b>Hi</b>" in find_look(mail(plain, rich, kind="alternative"), Limits()).html


def test_the_source_is_header_and_body():
    source = show_source(b"Subject: =?utf-8?q?a?=\n =?utf-8?q?b?=\r\nX: y\n\nText\xff\0.", Limits())
    assert source.header == "Subject: =?utf-8?q?a?=\n =?utf-8?q?b?=\nX: y\n\n"
    assert [(words.raw, words.decoded) for words in source.words] == [
        ("=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab")
    ]
    assert source.body == "Text��."
    assert not source.is_cut


def test_base64_is_folded_and_what_follows_is_read():
    coded = base64.encodebytes(b"x" * 10_000)
    source = show_source(b"From: a@example.com\n\nBefore\n" + coded + b"After\n", Limits())
    assert source.body == "Before\n[… base64: 176 lines …]\nAfter\n"


def test_a_long_body_is_cut():
    source = show_source(b"From: a@example.com\n\n" + b"squeak\n" * 20_000, Limits())
    assert len(source.body) == MAX_SHOWN_BODY
    assert source.is_cut


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 50, b"\n\n", b"x" * 1000, b"--x" * 1000])
def test_any_bytes_have_a_look(content):
    assert find_look(content, Limits()).source.body is not None
