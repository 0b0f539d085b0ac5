"""Only uploads of ours are pictures, and on pages alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.rendering import render_mail, render_markdown
from issues.rendering.cleaning import clean
from issues.rendering.pictures import is_upload
from issues.uploads.files import address_of, safe_name

SECRET = "0123456789abcdef0123456789abcdef"
FOLDER = f"/uploads/{SECRET}"

FOREIGN = [
    "https://tracker.example.com/p.gif",
    "//tracker.example.com/p.gif",
    "/\\tracker.example.com/p.gif",
    "/logout/",
    "/uploads/../admin/",
    f"{FOLDER}/../../admin/",
    f"{FOLDER}/..",
    f"{FOLDER}/.",
    f"{FOLDER}/%2e%2E",
    f"{FOLDER}/.%2e",
    f"{FOLDER}/..%2f..%2fadmin%2f",
    f"{FOLDER}/..%5c..%5cadmin",
    f"{FOLDER}/..\\..\\admin",
    f"{FOLDER}/a/../../../admin/",
    f"{FOLDER}/.&Tab;./x",
    f"{FOLDER}/.&Tab;.",
    f"{FOLDER}/a%09b",
    f"{FOLDER}/a.png?next=/admin/",
    f"{FOLDER}/a.png#x",
    f"{FOLDER}/",
    FOLDER,
    f"/uploads/{SECRET[:-1]}/a.png",
    f"/uploads/{SECRET.upper()}/a.png",
    f"/uploads/%30{SECRET[1:]}/a.png",
    f"uploads/{SECRET}/a.png",
    f"./uploads/{SECRET}/a.png",
    f"/admin/..{FOLDER}/a.png",
    f"https://letterbox.localhost{FOLDER}/a.png",
    f"//evil.example.com{FOLDER}/a.png",
    f"https:{FOLDER}/a.png",
    f"javascript:{FOLDER}/a.png",
]


@pytest.mark.parametrize("address", FOREIGN)
def test_a_picture_from_elsewhere_is_a_link(address):
    html = render_markdown(f"![words]({address})")

    assert "<img" not in html
    assert ">words</a>" in html or html == "<p>words</p>\n"


@pytest.mark.parametrize("address", FOREIGN)
def test_cleaning_alone_lets_no_other_picture_load(address):
    html = clean(f'<img src="{address}" alt="words">', own_pictures=True, base_url="")

    assert html == '<img alt="words">'


@pytest.mark.parametrize(
    "markup",
    [
        f"<img alt=words src='{FOREIGN[0]}'>",
        f"<IMG SRC={FOREIGN[0]} alt=words>",
        f'<img\nloading="lazy" src = "{FOREIGN[0]}" srcset="{FOREIGN[0]} 2x" alt="words" />',
    ],
)
def test_nothing_depends_on_how_the_renderer_writes_a_picture(markup):
    assert clean(markup, own_pictures=True, base_url="") == '<img alt="words">'
    assert clean(markup, own_pictures=False, base_url="") == ""


@given(name=st.text(min_size=1))
def test_every_upload_is_a_picture_on_pages_and_a_link_in_mails(name):
    address = address_of(SECRET, safe_name(name))

    assert is_upload(address)
    assert f'<img src="{address}" alt="a">' in render_markdown(f"![a]({address})")
    assert f'<a href="https://x{address}"' in render_mail(f"![a]({address})", base_url="https://x")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("![](https://e.com/p.gif)", ">https://e.com/p.gif</a>"),
        ("![**a** `b` <c>](https://e.com/p.gif 't')", ">a b &lt;c&gt;</a>"),
        ('![a "b" > c](https://e.com/p.gif)', '>a "b" &gt; c</a>'),
        ("![a](javascript:alert(1))", "<p>a</p>"),
    ],
)
def test_the_words_of_a_picture_stay(text, html):
    assert html in render_markdown(text)


@pytest.mark.parametrize("render", [render_markdown, lambda text: render_mail(text, base_url="")])
def test_a_linked_picture_leads_where_the_link_does(render):
    text = (
        "[![shop](https://e.com/p.gif) ![](https://e.com/q.gif)](https://shop.example.com) ![b](/c)"
    )

    html = render(text)

    rel = 'rel="nofollow noopener"'
    assert html == (
        f'<p><a href="https://shop.example.com" {rel}>shop https://e.com/q.gif</a> '
        f'<a href="/c" {rel}>b</a></p>\n'
    )


def test_an_own_picture_in_a_link_stays():
    html = render_markdown(f"[![a]({FOLDER}/a.png)](https://e.com)")

    assert f'<img src="{FOLDER}/a.png" alt="a"></a>' in html
