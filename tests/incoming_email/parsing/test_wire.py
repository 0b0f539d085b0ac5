"""What the parser's child says is read as our types or not at all."""

import pickle
import tracemalloc
from dataclasses import dataclass
from datetime import UTC

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email.parsing import wire
from incoming_email.parsing.child import Asked, Ready, Request
from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse
from incoming_email.parsing.types import (
    Attachment,
    Candidate,
    Kind,
    Moment,
    OthersLines,
    ParsedEmail,
)

UNHURRIED = settings(deadline=None)
"""A busy machine makes no test fail."""

EMAIL = parse(
    b"From: a@example.com\nDate: Tue, 2 Jan 2024 10:30:00 +0100\nAuto-Submitted: auto-replied\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nGr\xc3\xbc\xc3\x9fe\n"
    b"--b\nContent-Type: application/pdf\n\n%PDF\n--b\nContent-Type: image/png\n\nPNG\n--b--"
)


@dataclass(frozen=True)
class Dated:
    date: Moment | None


@dataclass(frozen=True)
class Sorted:
    kind: Kind


def decode(kind, frame):
    (length,) = wire.SIZE.unpack(frame[:8])
    assert length == len(frame) - 8
    return wire.decode(kind, memoryview(frame)[8:])


def spoken(**fields):
    """What a child may say instead of a value, without its length."""
    return memoryview(msgspec.msgpack.encode(fields))


def test_there_and_back():
    assert [each.size for each in EMAIL.attachments] == [4, 3]
    assert decode(ParsedEmail, wire.encode(EMAIL)) == EMAIL
    request = Request(b"\0\xff", "a@example.com", Asked.LOOK, Limits(parts=7), 30, 10**10)
    assert decode(Request, wire.encode(request)) == request
    assert decode(Ready, wire.encode(Ready())) == Ready()


@UNHURRIED
@given(st.binary(max_size=300))
def test_any_message_comes_through(content):
    email = parse(content)
    assert decode(ParsedEmail, wire.encode(email)) == email


@UNHURRIED
@given(st.datetimes(timezones=st.just(UTC)) | st.none())
def test_any_date_comes_through(date):
    assert decode(Dated, wire.encode(Dated(date))) == Dated(date)


@UNHURRIED
@given(st.binary(max_size=80))
def test_any_bytes_are_a_value_or_refused(data):
    for kind in (ParsedEmail, Request):
        with pytest.raises(wire.NotOurs):
            wire.decode(kind, memoryview(data))


FILE = {"filename": "a", "content_type": "text/plain", "content": b"four"}


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        (Candidate, spoken(header="To")),
        (Candidate, spoken(header="To", address=1)),
        (Candidate, spoken(header="To", address=None)),
        (Candidate, spoken(header="To", address=b"a")),
        (Candidate, memoryview(msgspec.msgpack.encode(["To", "a"]))),
        (Candidate, memoryview(bytes(spoken(header="To", address="a")) + b"more")),
        (Candidate, memoryview(b"\x82\xa6header\xa1a\xa7address\xa1\xff")),  # no UTF-8
        (Attachment, spoken(**FILE | {"content": "four"})),
        (Attachment, spoken(**FILE | {"content": 4})),
        (Attachment, spoken(**FILE, inline=0)),
        (Limits, spoken(parts=8.0)),
        (Limits, spoken(parts=True)),
        (Ready, memoryview(b"\xff" * 8)),
        (Ready, memoryview(pickle.dumps(Ready()))),
    ],
)
def test_what_is_not_of_the_type_is_refused(kind, frame):
    with pytest.raises(wire.NotOurs):
        wire.decode(kind, frame)


@pytest.mark.parametrize("kind", [Ready, ParsedEmail])
def test_what_goes_too_deep_is_refused(kind):
    with pytest.raises(wire.NotOurs):
        wire.decode(kind, memoryview(b"\x81\xa1x" + b"\x91" * 100_000))


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\xa7numbers\xdd\xff\xff\xff\xff\x01",
        b"\x81\xa8doubtful\xdd\xff\xff\xff\xff\xa1a",
        b"\x81\xa8doubtful\x91\xdb\xff\xff\xff\xffa",
        b"\xdf\xff\xff\xff\xff\xa7numbers\x90",
    ],
    ids=["numbers", "texts", "one text", "fields"],
)
def test_no_memory_is_taken_for_what_does_not_come(frame):
    tracemalloc.start()
    try:
        with pytest.raises(wire.NotOurs):
            wire.decode(OthersLines, memoryview(frame))
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("word", ["yesterday", "", "2024-01-02T10:30:00", 5])
def test_a_date_that_is_none_is_refused(word):
    with pytest.raises(wire.NotOurs):
        wire.decode(Dated, spoken(date=word))


def test_a_word_that_is_not_of_the_list_is_refused():
    assert wire.decode(Sorted, spoken(kind="bounce")) == Sorted(Kind.BOUNCE)
    with pytest.raises(wire.NotOurs):
        wire.decode(Sorted, spoken(kind="bounced"))
