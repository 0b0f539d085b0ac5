"""What holds for all texts: rendering never raises, and only what is allowed comes out."""

import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from issues.rendering import render_mail, render_markdown
from issues.rendering.limits import MAX_DEPTH, MAX_HTML_BYTES
from issues.rendering.pictures import is_upload
from tests.depth import DEPTH

ALLOWED = {
    "a": {"href", "title", "rel"},
    "blockquote": set(),
    "br": set(),
    "code": set(),
    "del": set(),
    "em": set(),
    "h1": set(),
    "h2": set(),
    "h3": set(),
    "h4": set(),
    "h5": set(),
    "h6": set(),
    "hr": set(),
    "img": {"src", "alt", "title"},
    "input": {"type", "checked", "disabled"},
    "li": set(),
    "ol": {"start"},
    "p": set(),
    "pre": {"lang"},
    "strong": set(),
    "table": set(),
    "tbody": set(),
    "td": {"align"},
    "th": {"align"},
    "thead": set(),
    "tr": set(),
    "ul": set(),
}
VOID = {"br", "hr", "img", "input"}
SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)

PIECES = [
    *(
        "*",
        "**",
        "_",
        "~~",
        "`",
        "```",
        "[",
        "]",
        "(",
        ")",
        "![",
        "](",
        "]: ",
        ">",
        "- ",
        "1. ",
        "2) ",
    ),
    *(
        "# ",
        "=",
        "---",
        "|",
        "|-",
        "|-|\n",
        ":-:",
        "\\",
        "&",
        "&amp;",
        "&#x6a;",
        "<",
        ">",
        "'",
        '"',
    ),
    *("<script>", '<a href="', "<img src=x onerror=alert(1)>", "<!--", "-->", "<?", "<![CDATA["),
    *("</a>", "<style>", "<svg/onload=x>", "<b", '" onclick="x', "](/u)", '](/u "t" onclick="x)'),
    *("](javascript:alert(1))", "](JAVA&#10;SCRIPT:x)", "](data:text/html,x)", "](//e.com)"),
    *("http://e.com/", "https://", "www.e.com", "a@b.co", "mailto:", "xmpp:", "ftp://", "file:///"),
    *("vbscript:", "/uploads/", "../", "%2e%2e", "%2f", ".png", "[x] ", "[^1]", ":smile:", "$x$"),
    *("@bob", "/close", "가", "나다", "。", "é", "text", "x y", "😀", "\n", "\n\n", "\r", "\r\n"),
    *("  ", "    ", "\t", "\f", "\0", "\x01", "\x1b", "\u00a0", "\u2028", "\u202e", "\u200b"),
    *("\ufeff", "\ud800", "|a|b|\n|-|-|\n", f"![a](/uploads/{'a' * 32}/b.png)"),
]
TEXT = st.one_of(
    st.text(st.characters(), max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.builds(
        lambda outer, inner, times: outer * times + inner + outer * times,
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join),
        st.sampled_from(PIECES),
        st.integers(1, 2_000),
    ),
)


class Reader(HTMLParser):
    """Insists on what ALLOWED says, on closed elements and on harmless addresses."""

    def __init__(self, *, in_mail: bool) -> None:
        super().__init__()
        self.open: list[str] = []
        self.in_mail = in_mail

    def handle_starttag(self, tag, attrs):
        assert {name for name, _value in attrs} <= ALLOWED[tag]
        self.check_addresses(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)
            assert len(self.open) <= MAX_DEPTH

    def check_addresses(self, tag, attributes):
        if tag == "img":
            assert not self.in_mail
            assert "src" not in attributes or is_upload(attributes["src"])
        scheme = SCHEME.match(attributes.get("href", ""))
        assert scheme is None or scheme[1].lower() in {"http", "https", "mailto"}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def read(html: str, *, in_mail: bool) -> None:
    assert len(html.encode()) <= MAX_HTML_BYTES + 1_000
    reader = Reader(in_mail=in_mail)
    reader.feed(html)
    reader.close()
    assert reader.open == []


@settings(max_examples=2000 * DEPTH, deadline=None)
@given(TEXT)
def test_any_text_becomes_well_formed_html_of_allowed_elements(text):
    read(render_markdown(text), in_mail=False)
    read(render_mail(text, base_url="https://letterbox.localhost"), in_mail=True)
