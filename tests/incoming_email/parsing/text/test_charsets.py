"""Charset labels and the text that comes out."""

import pytest

from incoming_email.parsing.text import charsets
from incoming_email.parsing.text.charsets import decode, find_codec


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("ąć".encode("iso8859-2"), "ISO-8859-2", "ąć"),
        (b"\x93hi\x94", "iso-8859-1", "“hi”"),  # C39
        (bytes.fromhex("C4E3BAC320A843"), "gb2312", "你好 –"),  # C01
        ("①".encode("cp932"), "shift_jis", "①"),
        ("똠방각하".encode("cp949"), "euc-kr", "똠방각하"),
        (b"\x1b$B-!\x1b(B x", "iso-2022-jp", "① x"),  # H28
        (b"\x1b(I1\x1b(B", "iso-2022-jp", "ｱ"),
        ("שלום".encode("iso8859-8"), "iso-8859-8-i", "שלום"),  # C14
        ("ığş".encode("cp1254"), "iso-8859-9", "ığş"),
        ("สวัสดี".encode("cp874"), "tis-620", "สวัสดี"),
        (b"+AOk-", "unicode-1-1-utf-7", "é"),
        ("é".encode(), "us-ascii", "é"),
        (b"Platte W\xf6lbung", "us-ascii", "Platte Wölbung"),
        ("é".encode(), "uft-8", "é"),  # C13
        ("é".encode(), "'UTF8'", "é"),
        (b"\xef\xbb\xbfhi", "utf-8", "hi"),
        ("hi".encode("utf-16"), "utf-8", "hi"),
    ],
)
def test_a_declared_charset_or_what_is_meant_by_it(data, label, text):
    assert decode(data, label) == (text, None)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("1", "1"),  # C13
        ("none", "none"),  # C27
        ("u\0\0d", "u??d"),  # C26
        ("idna", "idna"),
        ("base64", "base64"),
        ("unicode_escape", "unicode_escape"),
        ("x" * 1000, "x" * 40),
    ],
)
def test_an_unknown_charset_is_no_reason_to_lose_text(label, shown):
    assert decode("grün".encode(), label) == ("grün", f"unknown charset {shown}")


def test_a_stray_byte_in_the_label_does_not_hide_the_charset():
    assert decode("é".encode(), "utf-8ÿ") == ("é", None)  # C09


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        (b"einzuf\xfcgen", "utf-8", "einzufügen"),
        ("schön grün müde böse für".encode() + b" \xff", "utf-8", "schön grün müde böse für �"),
        (b"a \xed\xa0\xbd\xed\xb8\x80", "utf-8", "a 😀"),
        (b"a \xed\xa0\x80", "utf-8", "a �"),
        ("你好你好你好".encode("gbk") + b"\xff", "gb2312", "你好你好你好�"),
        (b"+2AA-", "utf-7", "+2AA-"),
    ],
)
def test_bytes_that_break_the_declared_charset(data, label, text):
    assert decode(data, label) == (text, f"bytes that are not in charset {label}")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("grün".encode(), "grün"),
        ("Привет, как дела?".encode("koi8-r"), "Привет, как дела?"),
        ("これは日本語のメールです".encode("shift_jis"), "これは日本語のメールです"),
        ("テスト".encode("iso-2022-jp"), "テスト"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (b"5 \x80 bitte", "5 € bitte"),
        (b"\x81", "�"),
    ],
)
def test_text_without_a_label_is_recognised(data, text):
    assert decode(data, None) == (text, None)


def test_no_byte_string_and_no_codec_makes_a_lone_surrogate():
    data = bytes(range(256)) * 2
    for label in charsets._CODECS:
        decode(data, label)[0].encode("utf-8")


def test_what_is_no_charset_has_no_codec():
    assert find_codec("rot13") is None
    assert find_codec("") is None
    assert find_codec(None) is None
    assert find_codec("Windows-1252") == "cp1252"
