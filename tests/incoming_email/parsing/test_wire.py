"""What the parser's child says is read as our types or not at all."""

import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email.parsing import wire
from incoming_email.parsing.child import Asked, Ready, Request
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse
from incoming_email.parsing.types import Attachment, Candidate, Kind, ParsedEmail

UNHURRIED = settings(deadline=None)
"""A busy machine makes no test fail."""

EMAIL = parse(
    b"From: a@example.com\nDate: Tue, 2 Jan 2024 10:30:00 +0100\nAuto-Submitted: auto-replied\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nGr\xc3\xbc\xc3\x9fe\n"
    b"--b\nContent-Type: application/pdf\n\n%PDF\n--b\nContent-Type: image/png\n\nPNG\n--b--"
)


@dataclass(frozen=True)
class Dated:
    date: datetime | None


@dataclass(frozen=True)
class Sorted:
    kind: Kind


def framed(value):
    return b"".join(wire.encode(value))


def decode(kind, frame):
    (length,) = wire.SIZE.unpack(frame[:8])
    assert length == len(frame) - 8
    return wire.decode(kind, memoryview(frame)[8:])


def spoken(tree, blobs=b""):
    """The frame, without its length, of any JSON."""
    text = json.dumps(tree).encode()
    return memoryview(wire.SIZE.pack(len(text)) + text + blobs)


def test_there_and_back():
    assert [each.size for each in EMAIL.attachments] == [4, 3]
    assert decode(ParsedEmail, framed(EMAIL)) == EMAIL
    request = Request(b"\0\xff", "a@example.com", Asked.LOOK, Limits(parts=7), 30, 10**10)
    assert decode(Request, framed(request)) == request
    assert decode(Ready, framed(Ready())) == Ready()


def test_a_lone_surrogate_passes():
    candidate = Candidate("To", "\udcff\ud800")
    assert decode(Candidate, framed(candidate)) == candidate


def test_attachments_are_not_copied():
    content = b"x" * 1000
    pieces = wire.encode(Attachment("a", "text/plain", content))
    assert any(piece is content for piece in pieces)


@UNHURRIED
@given(st.binary(max_size=300))
def test_any_message_comes_through(content):
    email = parse(content)
    assert decode(ParsedEmail, framed(email)) == email


@UNHURRIED
@given(st.datetimes(timezones=st.just(UTC)) | st.none())
def test_any_date_comes_through(date):
    assert decode(Dated, framed(Dated(date))) == Dated(date)


@UNHURRIED
@given(st.binary(max_size=80))
def test_any_bytes_are_a_value_or_refused(data):
    for kind in (ParsedEmail, Request):
        with pytest.raises(wire.NotOurs):
            wire.decode(kind, memoryview(data))


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (Candidate, spoken(["To"])),
        (Candidate, spoken(["To", "a", "b"])),
        (Candidate, spoken(["To", 1])),
        (Candidate, spoken(["To", None])),
        (Candidate, spoken({"header": "To", "address": "a"})),
        (Candidate, spoken(["To", "a"], b"more")),
        (Attachment, spoken(["a", "text/plain", 5, False, ""], b"four")),
        (Attachment, spoken(["a", "text/plain", -1, False, ""], b"four")),
        (Attachment, spoken(["a", "text/plain", True, False, ""], b"1")),
        (Attachment, spoken(["a", "text/plain", 4, 0, ""], b"four")),
        (Limits, spoken([1, 2, 3, 4, 5, 6, 7, 8.0])),
        (Ready, spoken("[" * 5000)),
        (Ready, memoryview(b"\xff" * 8)),
        (Ready, memoryview(pickle.dumps(Ready()))),
    ],
)
def test_what_is_not_of_the_type_is_refused(kind, frame):
    with pytest.raises(wire.NotOurs):
        wire.decode(kind, frame)


def test_deep_json_is_refused():
    text = b"[" * 100_000
    with pytest.raises(wire.NotOurs):
        wire.decode(Ready, memoryview(wire.SIZE.pack(len(text)) + text))


@pytest.mark.parametrize("word", ["yesterday", "", "0001-01-01T00:00:00+23:59", 5])
def test_a_date_that_is_none_is_refused(word):
    with pytest.raises(wire.NotOurs):
        wire.decode(Dated, spoken([word]))


def test_a_word_that_is_not_of_the_list_is_refused():
    assert wire.decode(Sorted, spoken(["bounce"])) == Sorted(Kind.BOUNCE)
    with pytest.raises(wire.NotOurs):
        wire.decode(Sorted, spoken(["bounced"]))
