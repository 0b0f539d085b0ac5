"""Which DKIM signatures prove the sender, which only look like it, and at what cost."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email.parsing.message import parse
from incoming_email.sender_auth import key_records
from incoming_email.sender_auth.key_records import KeyRecords
from incoming_email.sender_auth.signatures import SignatureCheck, check_signatures
from incoming_email.sender_auth.wire import split_message
from tests.depth import DEPTH
from tests.incoming_email.sender_auth.signing import record, record_name, sign
from tests.servers.dns import running_name_server

MAIL = (
    b"From: Ann <ann@example.com>\r\nTo: incoming@example.net\r\nSubject: It squeaks\r\n"
    b"Date: Mon, 30 Nov 2026 10:00:00 +0000\r\n"
    b"\r\nIt  squeaks \r\nwhen opened.\r\n\r\n"
)


def look_at(content, domain, records):
    """As `proof` does it."""
    message = split_message(content)
    if isinstance(message, str):
        return SignatureCheck(False, message)
    return check_signatures(message, domain, records)


@pytest.fixture(scope="module")
def _server():
    with running_name_server() as server:
        yield server


@pytest.fixture
def server(_server):
    _server.records = {record_name(d): record() for d in ("example.com", "example.org")}
    _server.settle()
    _server.silent, _server.asked = set(), []
    return _server


@pytest.fixture
def check(server):
    def run(content, domain="example.com", timeout=20.0):
        return look_at(content, domain, KeyRecords(timeout, server.resolver()))

    return run


@pytest.mark.parametrize("body", ["simple", "relaxed"])
@pytest.mark.parametrize("header", ["simple", "relaxed"])
def test_a_signature_of_the_senders_domain_is_found(check, header, body):
    signed = sign(MAIL, canonicalize=(header.encode(), body.encode()))
    found = check(signed)
    assert found.passed
    assert found.note == "signed by example.com"


def test_lines_that_end_in_lf_alone_are_the_same(check):
    assert check(sign(MAIL).replace(b"\r\n", b"\n")).passed


def test_a_line_that_the_signature_leaves_out_is_no_part_of_a_signed_field(check):
    signed = sign(MAIL)
    added = signed.replace(b"It squeaks\r\n", b"It squeaks\r\nFrom now on it burns\r\n", 1)
    assert parse(added).subject == "It squeaks From now on it burns"
    found = check(added)
    assert (found.passed, found.note) == (False, "the header has lines that are no fields")
    assert check(b"From ann Mon Nov 30 10:00:00 2026\r\n" + signed).passed


def test_the_domain_above_may_sign_and_the_one_below_may_not(check, server):
    server.records[record_name("mail.example.com")] = record()
    assert check(sign(MAIL), domain="mail.example.com").passed
    found = check(sign(MAIL, domain="mail.example.com"))
    assert (found.passed, found.note) == (
        False,
        "no usable signature of the sender's domain",
    )


def test_a_second_signature_counts_where_the_first_is_broken(check, server):
    once = sign(MAIL)
    signed = sign(once)
    broken = signed.replace(b"bh=", b"bh=AAAA", 1)
    assert check(broken).passed
    server.settle()
    assert server.asked == [record_name("example.com")]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda mail: mail.replace(b"opened", b"closed"), id="body"),
        pytest.param(lambda mail: mail + b"And more.\r\n", id="more body"),
        pytest.param(lambda mail: mail.replace(b"Subject: It", b"Subject: He"), id="subject"),
        pytest.param(lambda mail: mail.replace(b"ann@", b"bob@"), id="from"),
        pytest.param(lambda mail: b"From: bob@example.com\r\n" + mail, id="a from more"),
        pytest.param(
            lambda mail: mail.replace(b"\r\n\r\n", b"\r\nFrom: bob@example.com\r\n\r\n", 1),
            id="a from behind",
        ),
    ],
)
def test_a_changed_message_is_not_proven(check, change):
    found = check(change(sign(MAIL)))
    assert not found.passed
    assert found.note in {
        "no signature of the sender's domain holds",
        "no usable signature of the sender's domain",
    }


def test_a_signature_of_another_domain_is_not_even_looked_up(check, server):
    assert check(sign(MAIL, domain="example.org")).passed is False
    assert server.asked == []


def test_text_that_was_added_behind_a_signed_length_is_not_proven(check, server):
    signed = sign(MAIL, length=True)
    assert b"l=" in signed.partition(b"From:")[0]
    assert check(signed + b"Pay me.\r\n").passed is False
    assert server.asked == []


@pytest.mark.parametrize("left_out", [b"subject", b"date"])
def test_a_signature_that_leaves_out_what_people_go_by_proves_nothing(check, server, left_out):
    names = [name for name in (b"from", b"to", b"subject", b"date") if name != left_out]
    found = check(sign(MAIL, include_headers=names))
    assert (found.passed, found.note) == (False, "no usable signature of the sender's domain")
    assert server.asked == []


def test_what_the_message_does_not_have_need_not_be_signed(check):
    bare = MAIL.replace(b"Subject: It squeaks\r\n", b"")
    names = [b"from", b"date"]
    assert check(sign(bare, include_headers=names)).passed
    added = sign(bare, include_headers=names).replace(b"From: Ann", b"Subject: Pay\r\nFrom: Ann")
    assert not check(added).passed


@pytest.mark.parametrize("name", ["Subject", "Date", "subject"])
def test_a_second_field_above_the_signed_one_is_not_proven(check, name):
    assert not check(f"{name}: Mon, 1 Jan 2024 10:00:00 +0000\r\n".encode() + sign(MAIL)).passed


def test_a_signature_that_leaves_from_out_proves_nothing(check):
    signed = sign(MAIL)
    without = re.sub(rb"h=from : to", b"h=to", signed)
    assert without != signed
    assert check(without).note == "no usable signature of the sender's domain"


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("", id="none"),
        pytest.param("v=DKIM1; p=", id="revoked"),
        pytest.param(record(flags="t=y; "), id="only testing"),
        pytest.param(record(flags="t=s:y; "), id="only testing and strict"),
        pytest.param(record(flags="h=sha1; "), id="for SHA-1 alone"),
        pytest.param(record(flags="s=tlsrpt; "), id="not for mail"),
        pytest.param("v=spf1 -all", id="another record"),
        pytest.param("v=DKIM1; k=rsa; p=" + "A" * 4000, id="giant"),
        pytest.param(record(bits=2048)[:-40], id="cut"),
    ],
)
def test_a_key_that_does_not_count(check, server, key):
    server.records[record_name("example.com")] = key
    if not key:
        del server.records[record_name("example.com")]
    found = check(sign(MAIL))
    assert (found.passed, found.note) == (
        False,
        "no signature of the sender's domain holds",
    )


def test_a_dns_server_that_is_silent_costs_its_time_once_and_is_named(server):
    server.silent.add(record_name("example.com"))
    records = KeyRecords(0.5, server.resolver())
    notes = {look_at(sign(MAIL), "example.com", records).note for _ in range(5)}
    assert notes == {"the DNS did not answer for a key of example.com"}
    server.settle()
    assert server.asked == [record_name("example.com")]


def test_all_questions_of_a_batch_together_have_an_end(server, monkeypatch):
    """Of ten that take 0.3 s each. One that the machine is slow at may take the time of two."""
    monkeypatch.setattr(key_records, "MAX_BATCH_SECONDS", 0.5)
    names = [f"s{n}._domainkey.example.com" for n in range(10)]
    server.silent.update(names)
    records = KeyRecords(0.3, server.resolver())
    for name in names:
        with pytest.raises(key_records.NoAnswerError):
            records.find(name.encode())
    server.settle()
    assert server.asked in (names[:1], names[:2])


def test_a_message_without_a_signature_asks_nobody(check, server):
    assert check(MAIL).note == "no usable signature of the sender's domain"
    assert check(b"").note == "the header has no end, or is too long"
    assert server.asked == []


class Never:
    """No DNS at all: the property holds before it."""

    def find(self, name, timeout=0):
        return record().encode()


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([b"", b"\r\n", b"=", b";"]))
@settings(max_examples=300 * DEPTH, deadline=None)
def test_no_bytes_make_it_raise(junk, at, more):
    signed = sign(MAIL)
    broken = signed[:at] + junk + more + signed[at:]
    assert look_at(broken, "example.com", Never()).note


@pytest.mark.parametrize(
    "make",
    [
        lambda n: sign(MAIL).replace(b"opened", b"opened" + b" " * n + b"x"),
        lambda n: sign(MAIL, canonicalize=(b"relaxed", b"simple")) + b" \t" * n,
        lambda n: sign(MAIL).replace(b"b=", b"b=" + b"A" * 1000 + b" \t" * n + b"!", 1),
        lambda n: b"DKIM-Signature: " + b"a=rsa-sha256; " * n + MAIL,
        lambda n: b"X: y\r\n z\r\n" * n + sign(MAIL),
        lambda n: sign(MAIL).replace(b"Subject:", b"X: y\r\n" * n + b"Subject:"),
        lambda n: sign(b"DKIM-Signature: a=rsa-sha256; d=example.com; h=from\r\n" * n + MAIL),
        lambda n: b"\r\n" * n + sign(MAIL),
        lambda n: sign(MAIL).replace(b"h=", b"h=" + b"x : " * 500, 1) + b"\r\n" * n,
    ],
    ids=range(9),
)
def test_a_hostile_message_takes_no_time(make):
    content = make(100_000)
    start = time.process_time()
    look_at(content, "example.com", Never())
    assert time.process_time() - start < 5
