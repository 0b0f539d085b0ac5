"""Hostile sizes: reading time grows no faster than the message does."""

import pytest

from incoming_email.parsing.message import parse
from tests.growing import assert_linear


def nested(levels: int) -> bytes:
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels)
    )


def part(content_type: bytes, body: bytes, encoding: bytes = b"8bit") -> bytes:
    return (
        b"Content-Type: " + content_type + b"\nContent-Transfer-Encoding: " + encoding
    ) + b"\n\n" + body  # fmt: skip


HOSTILE = {
    "header lines": lambda n: b"X: y\n" * n + b"\nhi",
    "one header line": lambda n: b"Subject: " + b"a" * (10 * n) + b"\n\nhi",
    "folds": lambda n: b"Subject: " + b"a\n b" * n + b"\n\nhi",
    "nested parts": lambda n: nested(n * 1500 // 100_000),
    "received": lambda n: b"Received: by mx " + b"for <<" * n + b"\n\nhi",
    "recipients": lambda n: (
        b"To: " + b",\n ".join(b"a%d@example.com" % i for i in range(n // 5)) + b"\n\nhi"
    ),
    "parameters": lambda n: b"Content-Type: text/plain" + b"; a=b" * (n // 2) + b"\n\nhi",
    "open quotes": lambda n: b"From: " + b'\\"' * n + b"\n\nhi",
    "quoted runs": lambda n: b"From: " + b'a"b"' * (n // 2) + b"\n\nhi",
    "parentheses": lambda n: b"From: " + b"(" * n + b")" * (n // 2) + b"\n\nhi",
    "angles": lambda n: b"From: " + b"<" * n + b"\n\nhi",
    "encoded words": lambda n: b"Subject: " + b"=?utf-8?q?a?=" * (n // 5) + b"\n\nhi",
    "open encoded words": lambda n: b"Subject: " + b"=?utf-8?q?" * (n // 4) + b"\n\nhi",
    "references": lambda n: b"References: " + b"<" * n + b"\n\nhi",
    "parts": lambda n: part(b"multipart/mixed; boundary=b", b"--b\n\nx\n" * n),
    "boundary everywhere": lambda n: part(b'multipart/mixed; boundary="-"', b"-" * 10 * n),
    "blank lines": lambda n: b"\n" * 10 * n,
    "no blank line": lambda n: b"X: y\n" * n,
    "soft line breaks": lambda n: part(b"text/plain; format=flowed", b"a \n" * n),
    "quoted-printable": lambda n: part(b"text/plain", b"= " * 10 * n, b"quoted-printable"),
    "base64": lambda n: part(b"text/plain", b"=" * 10 * n, b"base64"),
    "escapes": lambda n: part(b"text/plain; charset=iso-2022-jp", b"\x1b$B-!\x1b(B" * n),
    "armour": lambda n: part(b"text/plain", b"-----BEGIN PGP SIGNED MESSAGE-----\n" * (n // 4)),
    "one line": lambda n: part(b"text/plain", b"x" * 10 * n),
    "quoted lines": lambda n: part(b"text/plain", b"> q\n" * 2 * n),
    "attribution without end": lambda n: part(b"text/plain", b"On 3 May 2024 Ann wrote " * n),
    "long words before a verb": lambda n: part(
        b"text/plain", (b"a" * 380 + b" wrote:\n") * (n // 40)
    ),
    "headings above attributions": lambda n: part(
        b"text/plain", b"----\nTo: a\nSubject: b\n" * (n // 4)
    ),
    "nested tags": lambda n: part(b"text/html", b"<div>" * 2 * n),
    "nested tables": lambda n: part(b"text/html", b"<table><tr><td>" * (n // 2)),
    "carriage returns": lambda n: part(b"text/plain", b"\r" * n + b"x\n"),
    "carriage returns in a field": lambda n: b"Subject: " + b"\r" * n + b"x\n\nhi",
    "half surrogates": lambda n: part(b"text/plain; charset=utf-8", b"\xed\xa0\x80" * n),
}


@pytest.mark.growth
@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_size(name):
    assert_linear(parse, HOSTILE[name], 25_000, 100_000)
