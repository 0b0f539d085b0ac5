"""Whatever bytes come: a ParsedEmail is returned, fit for a database that takes UTF-8 only."""

import dataclasses
from enum import Enum
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from incoming_email.parsing.formats.smime import find_signed_content
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse, parse_plain
from incoming_email.parsing.mime.mailboxes import parse_mailboxes
from incoming_email.parsing.mime.parameters import parse_value
from tests.depth import DEPTH

SAMPLES = [
    path.read_bytes() for path in sorted((Path(__file__).parents[2] / "emails").glob("*.eml"))
]
MANY = settings(max_examples=2000 * DEPTH, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = [
    b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"References", b"Reply-To",
    b"Received", b"Content-Type", b"Content-Disposition", b"Content-Transfer-Encoding",
    b"Auto-Submitted", b"Return-Path", b"Authentication-Results", b"X",
]  # fmt: skip
FRAGMENTS = [
    b"<", b">", b'"', b"\\", b"(", b")", b"[", b"]", b",", b";", b":", b"@", b"=", b"*", b"'", b"%",
    b"=?utf-8?q?", b"=?utf-8?b?", b"?=", b"=?x?", b"=E9", b"\xe9", b"\xff", b"\0", b"\r", b"\n",
    b"\n ", b"\n\n", b"--b", b"--b--", b"\x1b$B", b"a@example.com", b"for ", b"charset=", b"utf-7",
    b"iso-2022-jp", b"hz", b"utf-16", b"boundary=b", b"name*0*=", b"text/plain", b"text/html",
    b"multipart/mixed", b"multipart/alternative", b"multipart/signed", b"message/rfc822",
    b"application/pkcs7-mime", b"format=flowed; delsp=yes", b"base64", b"quoted-printable",
    b"x-uuencode", b"begin 644 x\n", b"attachment; filename=", b"<p>", b"&nbsp;", b"> ", b"-- ",
    b"+2AA-", b"Tue, 2 Jan 2024 10:30:00 +0100", b"99999999999999999999", b"\xed\xa0\x80",
]  # fmt: skip

junk = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=4)), max_size=12).map(
    b"".join
)
fields = st.tuples(st.sampled_from(NAMES), junk).map(lambda pair: pair[0] + b": " + pair[1] + b"\n")
messages = st.tuples(st.lists(fields, max_size=8).map(b"".join), junk).map(
    lambda halves: halves[0] + b"\n" + halves[1]
)


@st.composite
def damaged_samples(draw):
    """A real message with one stretch replaced."""
    sample = draw(st.sampled_from(SAMPLES))
    start = draw(st.integers(0, len(sample)))
    end = draw(st.integers(start, min(len(sample), start + 40)))
    return sample[:start] + draw(junk) + sample[end:]


def strings_of(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from strings_of(each)
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from strings_of(getattr(value, each.name))
    elif isinstance(value, Enum):
        yield value.value


def assert_storable(email):
    for text in strings_of(email):
        text.encode("utf-8")
        assert "\0" not in text


@MANY
@given(st.one_of(st.binary(max_size=300), messages, damaged_samples()))
@example(b"To: <")
@example(b'To: "')
@example(b"Message-ID: <")
@example(b"From: (" * 50)
def test_any_bytes_are_read(content):
    email = parse(content)
    assert_storable(email)
    assert len(email.sender) <= 254
    for line in (email.subject, email.sender_name, email.sender, email.message_id, email.origin):
        assert "\n" not in line
        assert "\r" not in line
    assert_storable(parse_plain(content))


@MANY
@given(st.one_of(messages, damaged_samples()))
def test_any_bytes_are_read_within_tight_limits(content):
    limits = Limits(
        parts=2,
        depth=1,
        header_fields=3,
        header_bytes=80,
        parameters=1,
        addresses=1,
        decoded_bytes=60,
        html_bytes=10,
    )
    email = parse(content, recipient="<Incoming+X@example.com>\n", limits=limits)
    assert_storable(email)
    assert email.candidates[0].address == "incoming+x@example.com"
    assert sum(each.size for each in email.attachments) <= 60 * 4


@MANY
@given(st.text(max_size=60))
def test_any_text_is_a_list_of_addresses_and_a_value(text):
    for address in parse_mailboxes(text, most=5).addresses:
        assert address.count("@") == 1 or address.startswith('"')
    parse_value(text, most=5)


@MANY
@given(st.binary(max_size=60), st.integers(0, 200))
def test_any_bytes_are_signed_data_or_not(data, cut):
    assert find_signed_content(data) is None
    signed = SIGNED[:cut] + data
    content = find_signed_content(signed)
    assert content is None or len(content) < len(signed)


SIGNED = bytes.fromhex(
    "3080" "06092a864886f70d010702" "a080" "3080" "020101" "3100" "3080"
    "06092a864886f70d010701" "a080" "2480" "0403616263" "0403646566"
)  # fmt: skip


def test_signed_data_in_pieces_is_joined():
    assert find_signed_content(SIGNED + b"\0" * 12) == b"abcdef"
