"""Parts: boundaries, limits, transfer encodings."""

import pytest

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse
from incoming_email.parsing.mime.parameters import parse_value
from incoming_email.parsing.mime.structure import parse_structure
from incoming_email.parsing.mime.transfer import decode_transfer


def test_a_boundary_of_one_hyphen(parse_sample):  # C07
    content_types = parse_sample("boundary-is-one-hyphen")
    assert (content_types.text, content_types.attachments) == ("plain part", ())
    assert content_types.defects == ()


def test_a_boundary_in_continuations(parse_sample):  # C08
    assert parse_sample("boundary-in-rfc2231-continuation").text == "inside"


def test_a_multipart_without_boundary_is_text(parse_sample):
    email = parse_sample("boundary-missing")
    assert (email.text, email.defects) == ("just text", ("multipart without parts",))


def test_a_multipart_that_never_ends(parse_sample):
    email = parse_sample("boundary-never-closed")
    assert (email.text, email.attachments[0].content) == ("first", b"second\n")
    assert email.defects == ("multipart without closing boundary",)


def test_the_line_end_before_a_delimiter_belongs_to_it():
    root, _ = parse_structure(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n"
        b"--bb\r\n--b \r\n\r\n--b\n\ntwo\n\n--b--\r\nepilogue",
        Limits(),
    )
    assert [child.raw_body for child in root.children] == [b"one\r\n--bb", b"", b"two\n"]


def test_of_two_content_types_the_first_wins(parse_sample):  # C28
    email = parse_sample("content-type-twice")
    assert email.text == "<b>stays text</b>"
    assert email.defects == ("several Content-Type fields, the first counts",)


def test_a_content_type_that_is_an_encoded_word(parse_sample):  # C04
    assert parse_sample("content-type-is-encoded-word").text == "Hello **you**"


@pytest.mark.parametrize(
    ("field", "defects"),
    [
        ("Content-Type: text/plain; name*", ("parameter without a value",)),  # H09
        ("Content-Type:text/plain;", ()),  # H38
        ("Content-Type: text", ("Content-Type without a valid type",)),
        ("Content-Type: /", ("Content-Type without a valid type",)),
        ("Content-Type: ;;;", ()),
        ("Content-Type: TEXT/PLAIN; CHARSET=\"utf-8\xff\"", ()),  # C09
        ("Content-Type: text/plain; charset*=ansi-x3.4-1968''utf-8", ()),  # C11
        ("Content-Type: text/plain; charset=\"u\0\0d\"", ("unknown charset ud",)),  # C26
        ("Content-Type: text/plain; charset=\"none\"", ("unknown charset none",)),  # C27
        ("Content-Transfer-Encoding: 8bit;", ()),
        ("Content-Transfer-Encoding: x-unknown", ("unknown transfer encoding x-unknown",)),
    ],
)  # fmt: skip
def test_a_broken_field_of_a_body_leaves_the_body(field, defects):
    email = parse(f"From: a@example.com\n{field}\n\nhällo\n".encode())
    assert (email.text, email.defects) == ("hällo", defects)


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ('attachment; filename="abcd;efgh;b.jpg"; size=54924; creation-date="Thu, 10 Mar 2022"',
         "filename", "abcd;efgh;b.jpg"),  # A08
        ('attachment; filename="abc.xyz";', "filename", "abc.xyz"),  # A09
        ("attachment; filename=My file.pdf; size=3", "filename", "My file.pdf"),
        ('attachment; filename="open end.pdf', "filename", "open end.pdf"),
        (r'attachment; filename="a\"b\\c"', "filename", r'a"b\c'),
        (r'attachment; filename="C:\temp\x.txt"', "filename", r"C:\temp\x.txt"),
        ("attachment; filename*=us-ascii''Platte%20ohne%20W%F6lbung.jpg", "filename",
         "Platte ohne Wölbung.jpg"),  # C02
        ("attachment; filename*=us-ascii''Revised%0D%0A%2010%5F20%5F08.doc", "filename",
         "Revised  10_20_08.doc"),  # A11: one space is left by safe_filename
        ('attachment; filename*0="=?UTF-8?Q?Gr=C3=BC"; filename*1="n.pdf?="', "filename",
         "Grün.pdf"),  # A13
        ("attachment; filename*1*=%BCn.pdf; filename*0*=utf-8'de'Gr%C3", "filename", "Grün.pdf"),
        ("attachment; filename*0*=utf-8''a%20; filename*1=b.pdf", "filename", "a b.pdf"),
        ("attachment; filename=x.pdf; filename*=utf-8''gr%C3%BCn.pdf", "filename", "grün.pdf"),
        ("attachment; filename*=gr%C3%BCn.pdf", "filename", "grün.pdf"),
        ('attachment; filename="=?utf-8?B?UmVrbGFtYXRpb24gYmV6w7xnbC4wMTI?= =?utf-8?Q?5_an.jpg?="',
         "filename", "Reklamation bezügl.0125 an.jpg"),  # A05
        ("attachment; FILENAME = x.txt", "filename", "x.txt"),
        ('attachment filename="x.txt"; size=1', "size", "1"),
    ],
)  # fmt: skip
def test_parameters(value, name, expected):
    assert parse_value(value, most=100).parameters[name] == expected


def test_too_many_parameters_are_named():
    value = parse_value("text/plain; a=1; b=2; c=3", most=2)
    assert (value.main, value.parameters) == ("text/plain", {"a": "1", "b": "2"})
    assert value.defects == ("more than 2 parameters",)


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (b"a=3Db=\r\nc =\t\nd", "quoted-printable", b"a=bc d"),
        (b"aGVs\r\nbG8=\r\n", "BASE64", b"hello"),
        (b"aGVsbG8", " base64 (x)", b"hello"),
        (b"aGVsbG8=\nlist footer\n", "base64", b"hello"),
        (b"aGV*sbG8", "base64", b"hello"),
        (b"a=3D", "7bit", b"a=3D"),
        (b"a=3D", "", b"a=3D"),
        (b"begin 644 x\n#0V%T\n`\nend\n", "x-uuencode", b"Cat"),
        (b"no uuencode", "x-uuencode", b"no uuencode"),
        (b"begin 644 x\n#0V%T trailing\nend\n", "x-uuencode", b"Cat"),
    ],
)
def test_transfer_encodings(body, encoding, expected):
    assert decode_transfer(body, encoding) == (expected, None)


def test_html_is_transfer_decoded_once(parse_sample):  # C19
    assert parse_sample("html-quoted-printable-soft-break").text == "a=b"


def nested(levels: int) -> bytes:
    opening = "".join(
        f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(levels)
    )
    return f"From: a@example.com\n{opening}Content-Type: text/plain\n\ndeep\n".encode()


def test_nesting_is_read_to_the_limit_and_kept_beyond():  # X20
    assert parse(nested(50)).text == "deep"
    email = parse(nested(1500))
    assert email.text == ""
    assert email.attachments[0].content_type == "application/octet-stream"
    assert email.attachments[0].content.endswith(b"deep\n")
    assert "more than 50 levels of parts" in email.defects


def test_parts_are_read_to_the_limit():
    parts = b"--b\nContent-Type: image/png\n\nx\n" * 600
    content = (
        b"From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--"
    )
    email = parse(content)
    assert len(email.attachments) == 499
    assert email.defects == ("more than 500 parts",)


def test_decoded_bytes_are_counted_over_all_parts():
    part = b"--b\nContent-Type: image/png\n\n12345\n"
    content = b"From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n" + part * 3
    email = parse(content + b"--b--", limits=Limits(decoded_bytes=11))
    assert [each.size for each in email.attachments] == [5, 5, 0]
    assert email.defects == ("more than 11 bytes after decoding",)


def test_long_html_is_cut_and_attached_whole():
    markup = b"<p>" + b"word " * 20 + b"</p>"
    content = b"From: a@example.com\nContent-Type: text/html\n\n" + markup
    email = parse(content, limits=Limits(html_bytes=13))
    assert email.text == "word word"
    assert [(each.filename, each.content) for each in email.attachments] == [
        ("message.html", markup)
    ]
    assert email.defects == ("HTML cut at 13 bytes, the whole is attached",)


def test_a_digest_holds_messages():
    email = parse(
        b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ninner\n--b--\n"
    )
    assert [each.content_type for each in email.attachments] == ["message/rfc822"]
