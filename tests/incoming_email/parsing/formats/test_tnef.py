"""winmail.dat: body and files that Outlook wrapped come out, and no bytes do harm."""

import base64
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.formats.tnef import TnefFile, TnefMessage, find_label, parse_tnef
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse
from tests.growing import assert_linear
from tests.incoming_email.parsing import tnef_writer as write

TEXT, HTML, RTF, CODEPAGE = 0x1000, 0x1013, 0x1009, 0x3FDE
DATA, LONG_NAME, MIME_TYPE, CONTENT_ID = 0x3701, 0x3707, 0x370E, 0x3712
WHOLE = write.message(
    write.body(write.short(1, 2), write.named(5), write.string(TEXT, "Grüße 你好")),
    write.file(b"PLAN~1.PDF", b"%PDF-1.7", write.string(LONG_NAME, "Plan für Köln.pdf")),
    write.file(
        b"image001.png",
        b"\x89PNG",
        write.string(MIME_TYPE, "image/png"),
        write.string(CONTENT_ID, "image001@01DA"),
    ),
)


def wrap(container, *, text="", name="winmail.dat", content_type="application/ms-tnef"):
    encoded = base64.b64encode(container).decode()
    return (
        "From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\n{text}\n"
        f"--b\nContent-Type: {content_type}; name={name}\nContent-Transfer-Encoding: base64\n"
        f"Content-Disposition: attachment; filename={name}\n\n{encoded}\n--b--\n"
    ).encode()


def names(email):
    return [
        (each.filename, each.content_type, each.content, each.inline) for each in email.attachments
    ]


FILES = [
    ("Plan für Köln.pdf", "application/pdf", b"%PDF-1.7", False),
    ("image001.png", "image/png", b"\x89PNG", True),
]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("winmail.dat", "application/ms-tnef"),
        ("winmail.dat", "application/vnd.ms-tnef"),
        ("other.bin", "Application/MS-TNEF"),
        ("WINMAIL.DAT", "application/octet-stream"),
        ("win.dat", "application/octet-stream"),
    ],
)
def test_the_files_replace_the_container(name, content_type):
    email = parse(wrap(WHOLE, text="Hello", name=name, content_type=content_type))
    assert (email.text, names(email), email.defects) == ("Hello", FILES, ())
    assert email.attachments[1].content_id == "image001@01DA"


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_its_body_counts_where_there_is_no_other(text):
    email = parse(wrap(WHOLE, text=text))
    assert (email.text, email.reply, names(email)) == ("Grüße 你好", "Grüße 你好", FILES)


def test_a_message_that_is_nothing_but_the_container(parse_sample):
    email = parse_sample("tnef-alone")
    assert (email.text, email.defects) == ("All in **one**", ())
    assert [each.filename for each in email.attachments] == ["plan.pdf"]


def test_a_container_beside_a_text(parse_sample):
    email = parse_sample("tnef-beside-text")
    assert (email.text, email.defects) == ("See the plan.", ())
    assert [each.filename for each in email.attachments] == ["plan.pdf"]


def test_another_file_of_that_name_is_left_alone():
    email = parse(wrap(b"no container", text="Hello", content_type="application/octet-stream"))
    assert names(email) == [("winmail.dat", "application/octet-stream", b"no container", False)]
    assert email.defects == ()


@pytest.mark.parametrize("cut", [1, 5, 30, len(WHOLE) // 2, len(WHOLE) - 60])
def test_a_container_that_is_cut_off_is_kept(cut):
    email = parse(wrap(WHOLE[:cut], text="Hello"))
    assert names(email) == [("winmail.dat", "application/ms-tnef", WHOLE[:cut], False)]
    assert email.defects == ("TNEF container that cannot be read",)


def test_a_container_that_holds_nothing_is_kept():
    email = parse(wrap(write.message(), text="Hello"))
    assert names(email) == [("winmail.dat", "application/ms-tnef", write.message(), False)]


def test_files_past_the_limit_of_parts_stay_in_the_container():
    many = write.message(*[write.file(b"a.txt", b"x")] * 10)
    email = parse(wrap(many), limits=Limits(parts=12))
    assert names(email) == [("winmail.dat", "application/ms-tnef", many, False)]
    assert email.defects == ("more than 12 parts",)


@pytest.mark.parametrize(
    ("properties", "body", "kind"),
    [
        ([write.string(TEXT, "text"), write.binary(HTML, b"<p>html")], "<p>html", "text/html"),
        (
            [write.number(CODEPAGE, 65001), write.binary(HTML, "<p>Grüße".encode())],
            "<p>Grüße",
            "text/html",
        ),
        ([write.binary(TEXT, b"Gr\xfc\xdfe\0", 0x1E)], "Grüße", "text/plain"),
        ([write.binary(RTF, write.compressed(rb"{\rtf1 a\par b}"))], "a\nb", "text/plain"),
        ([write.several(0x1, b"one", b"three"), write.string(TEXT, "x")], "x", "text/plain"),
    ],
)
def test_html_before_text_before_rtf(properties, body, kind):
    assert parse_tnef(write.message(write.body(*properties)), depth=1) == TnefMessage(body, kind)


def test_an_old_body_is_in_the_code_page_of_the_message():
    old = write.attribute(write.MESSAGE, 0x800C, "Привет\0".encode("cp1251"))
    assert parse_tnef(write.message(old, codepage=1251), depth=1) == TnefMessage("Привет")


@pytest.mark.parametrize(
    ("codepage", "label"),
    [
        (1251, "cp1251"),
        (65001, "utf-8"),
        (28592, "iso-8859-2"),
        (936, "gb18030"),
        (99999, "cp1252"),
    ],
)
def test_code_pages_have_names(codepage, label):
    assert find_label(codepage) == label


def attached(inner):
    data = write.binary(DATA, write.IID_MESSAGE + inner, 0xD)
    return write.message(write.file(b"Note", b"", data))


def test_an_attached_message_gives_its_text_as_a_file_and_its_files():
    assert parse_tnef(attached(WHOLE), depth=1) == TnefMessage(
        files=(
            TnefFile("Note.txt", "text/plain", "Grüße 你好".encode()),
            TnefFile("Plan für Köln.pdf", "application/pdf", b"%PDF-1.7"),
            TnefFile("image001.png", "image/png", b"\x89PNG", "image001@01DA"),
        )
    )


def test_below_the_limit_of_depth_an_attached_message_is_a_file():
    (file,) = parse_tnef(attached(WHOLE), depth=0).files
    assert (file.name, file.content) == ("Note", WHOLE)
    deep = WHOLE
    for _ in range(60):
        deep = attached(deep)
    assert len(parse_tnef(deep, depth=50).files) == 1


def test_an_attached_message_of_nothing_is_kept_as_it_is():
    (file,) = parse_tnef(attached(write.message()), depth=1).files
    assert (file.name, file.content) == ("Note.tnef", write.message())


def test_other_objects_lose_their_interface_only():
    data = write.binary(DATA, bytes(16) + b"\xd0\xcf\x11\xe0", 0xD)
    (file,) = parse_tnef(write.message(write.file(b"table.xls", b"", data)), depth=1).files
    assert (file.name, file.content) == ("table.xls", b"\xd0\xcf\x11\xe0")


def test_padding_behind_the_last_attribute_is_nothing():
    assert parse_tnef(WHOLE + b"\0\0\r\n", depth=1) == parse_tnef(WHOLE, depth=1)


def test_with_other_bytes_behind_its_end_a_container_is_kept_beside_its_files():
    container = WHOLE + b"\r\n-- \r\nscanned"
    email = parse(wrap(container, text="Hello"))
    assert names(email) == [*FILES, ("winmail.dat", "application/ms-tnef", container, False)]
    assert email.defects == ("bytes behind the end of a TNEF container",)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=6)), max_size=5))
def test_no_damage_raises(changes):
    damaged = WHOLE
    for place, new in changes:
        at = place % len(damaged)
        damaged = damaged[:at] + new + damaged[at + len(new) :]
    email = parse(wrap(damaged, text="Hello"))
    assert email.text == "Hello"
    assert email.attachments


HEAD = write.message()
COUNT = struct.pack("<I", 0xFFFFFFFF)


@pytest.mark.parametrize(
    "block",
    [
        COUNT,
        COUNT + b"\0\0\0\0",
        struct.pack("<IHH", 1, 0x1003, 0x1000) + COUNT,
        struct.pack("<IHH", 1, 0x1102, 0x1000) + COUNT,
        struct.pack("<IHHI", 1, 0x1F, 0x1000, 1) + COUNT,
    ],
    ids=["properties", "properties of no type", "numbers", "binaries", "length"],
)
def test_no_count_is_believed(block):
    start = time.process_time()
    assert parse_tnef(HEAD + write.attribute(write.MESSAGE, 0x9003, block), depth=1) is None
    assert time.process_time() - start < 5


GROWING = {
    "attributes": lambda size: HEAD + write.attribute(1, 0x1111, b"") * (size // 11),
    "files": lambda size: HEAD + write.attribute(2, 0x9002, b"") * (size // 11),
    "properties": lambda size: HEAD + write.body(*[write.number(0x1, 1)] * (size // 8)),
    "values": lambda size: HEAD + write.body(write.several(0x1, *[b""] * (size // 4))),
}


@pytest.mark.growth
@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING)
def test_the_time_grows_with_the_length(make):
    assert_linear(lambda content: parse_tnef(content, depth=5), make, 100_000, 400_000)
