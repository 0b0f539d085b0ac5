"""Header fields: the block, folds, encoded-words, controls."""

import pytest

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse
from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.mime.headers import Headers, split_message_headers, split_part_headers


def subject_of(raw: bytes) -> str:
    return parse(b"From: a@example.com\nSubject: " + raw + b"\n\nbody\n").subject


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),  # H20
        (b"=?utf-8?B?zrHP?= =?utf-8?B?h8+I?=", "αχψ"),  # H27
        (b"=?utf-8?B?zrHP?=\n =?UTF-8?Q?=87=CF=88?=", "αχψ"),
        (
            b"=?ISO-2022-JP?B?GyRCLSEbKEIgGyRCNF0/dDt6JUYlOSVIGyhC?=",
            "① 丸数字テスト",
        ),  # H28
        (b"=?NONE?B?SGVsbG8=?=", "Hello"),  # H32
        (b"Netzqualit\xe4t", "Netzqualität"),  # H37
        ("Netzqualität".encode(), "Netzqualität"),
        (b"=?utf-8?B?QSANCkJjYzogZXZpbEBhdHRhY2tlci5leGFtcGxl?=", "A  Bcc: evil@attacker.example"),
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b"=?utf-8*de?q?b?=", "b"),
        (b"=?utf-8?q?b?= =?iso-8859-1?q?=E9?=", "bé"),
        (b"=?utf-8?Q?abc =?utf-8?Q?def?=", "=?utf-8?Q?abc def"),
        (b"=?utf-8?Q?never closed", "=?utf-8?Q?never closed"),
        (b"=?utf-8?B?4pyT4?=", "✓"),
        (b"=?utf-8?q?invoice=E2=80=AEfdp?=", "invoicefdp"),
        (b"folded\r\n  once\n\ttwice", "folded once twice"),
        (b"a\x00b\x07c", "ab c"),
    ],
)
def test_a_subject_is_read(raw, subject):
    assert subject_of(raw) == subject


def test_a_message_without_subject_has_an_empty_one():
    assert parse(b"From: a@example.com\n\nhello").subject == ""  # H23


def test_a_truncated_base64_word_keeps_its_whole_bytes():
    assert decode_words("=?utf-8?B?SGVsbG?=") == "Hell"
    assert decode_words("=?utf-8?B?SGVsb?=") == "Hel"
    assert decode_words("=?utf-8?b??=") == ""


def test_a_fold_is_one_space():
    assert Headers({"x": (b" a\r\n\t b\n c ",)}).first("X") == "a b c"


def test_blank_lines_before_the_header_are_skipped(parse_sample):
    email = parse_sample("blank-lines-before-header")  # H39
    assert email.sender == "ann@example.com"
    assert email.text == "Gästebuch"
    assert email.defects == ("blank lines before the header",)


def test_an_mbox_line_is_no_header(parse_sample):
    email = parse_sample("mbox-line-before-header")
    assert (email.sender, email.text, email.defects) == ("ann@example.com", "body", ())


def test_a_junk_line_before_the_header_is_dropped(parse_sample):
    email = parse_sample("junk-line-before-header")
    assert (email.sender, email.subject, email.text) == ("ann@example.com", "kept", "body")
    assert email.defects == ("a line before the header that is no field",)


def test_a_line_broken_by_a_gateway_belongs_to_the_field_before(parse_sample):
    email = parse_sample("junk-line-inside-header")
    assert email.subject == "a long subject that some gateway broke"
    assert email.candidates[0].address == "incoming+abc@example.com"
    assert email.text == "body"
    assert email.defects == ("lines in the header that are no fields",)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"just some words\nand more\n", "just some words\nand more"),
        (b"\n\njust some words", "just some words"),
        (b"", ""),
        (b"\n", ""),
        (b"\xff\xfe\x00", "ÿþ"),
    ],
)
def test_without_a_header_everything_is_body(content, text):
    email = parse(content)
    assert (email.text, email.sender) == (text, "")
    assert email.defects[:2] == ("no header fields", "no From")


def test_a_body_without_blank_line_before_it_is_found():
    email = parse(b"From: a@example.com\nSubject: x\nHello there\n")
    assert (email.subject, email.text) == ("x", "Hello there")


def test_line_ends_do_not_matter():
    lines = ["From: a@example.com", "Subject: s", " t", "", "one", "two", ""]  # C24
    expected = parse("\n".join(lines).encode())
    assert expected.text == "one\ntwo"
    assert expected.subject == "s t"
    assert parse("\r\n".join(lines).encode()) == expected
    assert parse("\r".join(lines).encode()) == expected
    assert parse(b"From: a@example.com\r\nSubject: s\n t\r\n\none\r\ntwo\n") == expected


def test_a_part_may_have_no_header_at_all():
    content = b"--b\n\nbody"
    block = split_part_headers(content, 4, len(content), Limits())
    assert (block.headers.fields, content[block.body_start :]) == ({}, b"body")


def test_a_part_whose_body_begins_at_once_has_no_header():
    block = split_part_headers(b"Hello\nworld", 0, 11, Limits())
    assert (block.headers.fields, block.body_start) == ({}, 0)
    assert block.defects == ("part without blank line before its body",)


def test_all_occurrences_of_a_field_are_kept_in_order():
    block = split_message_headers(b"X: 1\nY: 2\nx : 3\n\n", Limits())
    assert block.headers.unfolded("X") == ("1", "3")
    assert block.headers.first("Missing") == ""


def test_too_many_fields_and_too_long_a_header_are_named():
    many = split_message_headers(b"X: 1\n" * 3 + b"\nbody", Limits(header_fields=2))
    assert many.headers.unfolded("X") == ("1", "1")
    assert many.defects == ("header cut at 2 fields",)
    email = parse(
        b"From: a@example.com\nX: " + b"x" * 99 + b"\n\nb", limits=Limits(header_bytes=30)
    )
    assert (email.sender, email.text) == ("a@example.com", "b")
    assert email.defects == ("header cut at 30 bytes",)


@pytest.mark.parametrize(
    ("subject", "codec", "body"),
    [
        ("转发：整体提升企业服务水平", "gb18030", "iso-8859-1"),
        ("Привет, как дела", "koi8_r", "us-ascii"),
        ("Заказ номер пять", "cp1251", "iso-8859-1"),
        ("안녕하세요 문의드립니다", "cp949", "us-ascii"),
        ("주문", "cp949", "euc-kr"),
        ("注文の件", "cp932", "Shift_JIS"),
        ("訂單問題", "big5", '"big5"'),
        ("Müller grüßt", "cp1252", "utf-8"),
        ("Élève à côté", "cp1252", "utf-8"),
        ("Zażółć gęślą", "iso8859_2", "iso-8859-2"),
        ("ÅÄÖ", "cp1252", "utf-8"),
        ("Größe ÄÖÜ", "cp1252", "no-such-charset"),
        ("Müller 안녕하세요", "utf_8", "euc-kr"),
    ],
)
def test_eight_bit_header_text_without_a_label(subject, codec, body):
    content = b"Subject: " + subject.encode(codec)
    content += f"\r\nContent-Type: text/plain; charset={body}\r\n\r\nx".encode()
    assert parse(content).subject == subject


def test_an_eight_bit_file_name_is_recognised():
    name = "绩效管理,究竟谁错了.xls".encode("gb18030")
    part = b'Content-Type: application/octet-stream; name="' + name + b'"\r\n'
    part += b'Content-Disposition: attachment; filename="' + name + b'"\r\n\r\nx\r\n'
    content = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    assert parse(content + part + b"--b--\r\n").attachments[0].filename == "绩效管理,究竟谁错了.xls"
