"""RTF bodies: decompression, the HTML or text in them, and no harm from any bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.formats.rtf import MAX_BYTES, decompress_rtf, read_rtf
from tests.growing import assert_linear
from tests.incoming_email.parsing.tnef_writer import compressed


@pytest.mark.parametrize(
    ("data", "rtf"),
    [
        (
            "2d0000002b0000004c5a4675f1c5c7a703000a0072637067313235423"
            "20af32068656c090020627705b06c647d0a800fa0",
            b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
        ),
        (
            "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0",
            b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
        ),
    ],
)
def test_the_examples_of_the_specification(data, rtf):  # MS-OXRTFCP, 4.1 and 4.2
    assert decompress_rtf(bytes.fromhex(data)) == rtf


def test_stored_rtf_and_what_is_none():
    assert decompress_rtf(bytes(8) + b"MELA" + bytes(4) + b"{\\rtf1 x}") == b"{\\rtf1 x}"
    assert decompress_rtf(b"") == decompress_rtf(bytes(20)) == b""


def test_what_is_cut_off_is_read_as_far_as_it_goes():
    assert decompress_rtf(compressed(b"{\\rtf1 hello}")[:-3]) == b"{\\rtf1 hel"


def test_a_bomb_stops_at_the_limit():
    places = ((207 + 17 * count + 100) % 4096 for count in range(250_000))
    tokens = [struct.pack(">H", place << 4 | 15) for place in places]
    runs = [b"\xff" + b"".join(tokens[at : at + 8]) for at in range(0, len(tokens), 8)]
    bomb = bytes(8) + b"LZFu" + bytes(4) + b"".join(runs)
    assert MAX_BYTES <= len(decompress_rtf(bomb)) < MAX_BYTES + 20


HEAD = r"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\generator X;}"


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (r"{\rtf1 Hello\par \b bold\b0  world}", "Hello\nbold world"),
        (r"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe}", "Grüße"),
        (r"{\rtf1\ansi\ansicpg949 \'b0\'a1}", "가"),
        (r"{\rtf1{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset0 B;}}\f0 \'ff\f1 \'ff}", "яÿ"),
        (r"{\rtf1 \u8364?\u-10179?\u-8704?\uc0\u228 x}", "€😀äx"),
        (r"{\rtf1 \u-10179? alone}", "� alone"),
        (r"{\rtf1 a\{b\}\\c\~d}", "a{b}\\c\N{NO-BREAK SPACE}d"),
        (r"{\rtf1{\info{\author Ann}}{\*\unknown gone}{\pict 89504e47}text}", "text"),
        (r"{\rtf1 {\field{\*\fldinst HYPERLINK x}{\fldrslt link}}}", "link"),
        ("no RTF at all", "no RTF at all"),
        ("{{{{", ""),
        (r"}}}}\par", "\n"),
        ("\\", ""),
    ],
)
def test_plain_rtf_is_text(rtf, text):
    assert read_rtf(rtf.encode("latin-1")) == (text, "text/plain")


@pytest.mark.parametrize(
    ("rtf", "html"),
    [
        (
            HEAD + r"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Hello {\*\htmltag84 <b>}\htmlrtf {\b "
            r"\htmlrtf0 you{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 {\*\htmltag72 </p>}}",
            "<p>Hello <b>you</b></p>",
        ),
        (
            HEAD + r"a < b & c{\*\htmltag84 &nbsp;}\htmlrtf \'a0\htmlrtf0 }",
            "a &lt; b &amp; c&nbsp;",
        ),
        (HEAD + r"{\*\htmltag84 <a href=\'22x\'22>}{\*\mhtmltag84 <a>}}", '<a href="x">'),
        (HEAD + r"{\*\htmltag241 <!-- x -->\par }}", "<!-- x -->\n"),
    ],
)
def test_rtf_that_wraps_html_gives_it_back(rtf, html):
    assert read_rtf(rtf.encode("latin-1")) == (html, "text/html")


PIECES = st.sampled_from([
    b"{", b"}", b"\\", b"\\*", b"\\u", b"\\u99999999999 ", b"\\uc999 ", b"\\'", b"\\'e4", b"\\f7",
    b"\\fcharset128", b"\\fonttbl", b"\\ansicpg99999 ", b"\\fromhtml1", b"\\htmltag", b"\\htmlrtf",
    b"text", b"\xff\x00", b"\r\n",
])  # fmt: skip


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_no_rtf_raises(rtf):
    text, _ = read_rtf(b"{\\rtf1 " + rtf)
    text.encode()


GROWING = {
    "groups": lambda size: b"{" * size,
    "backslashes": lambda size: b"\\" * size,
    "words": lambda size: b"\\b" * (size // 2),
    "characters": lambda size: b"\\u99?" * (size // 5),
    "digits": lambda size: b"\\b" + b"1" * size,
}


@pytest.mark.growth
@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING)
def test_the_time_grows_with_the_length(make):
    assert_linear(read_rtf, make, 50_000, 200_000)
