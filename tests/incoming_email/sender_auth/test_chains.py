"""Which chains of forwarders prove the sender, and what ends one."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incoming_email.sender_auth.chains import MAX_SETS, check_chain
from incoming_email.sender_auth.key_records import KeyRecords, NoAnswerError
from incoming_email.sender_auth.signatures import check_signatures
from incoming_email.sender_auth.wire import split_message
from tests.depth import DEPTH
from tests.incoming_email.sender_auth.sealing import seal
from tests.incoming_email.sender_auth.signing import record, sign

LIST, MX, OTHER = "lists.example.org", "mx.example.net", "other.example"
PASS = "mx.lists.example.org; dmarc=pass header.from=example.com"
FAIL = "mx; dmarc=fail header.from=example.com"
MAIL = (
    b"From: Ann <ann@example.com>\r\nTo: team@lists.example.org\r\nSubject: It squeaks\r\n"
    b"Date: Mon, 30 Nov 2026 10:00:00 +0000\r\n\r\nIt  squeaks \r\nwhen opened.\r\n\r\n"
)


class Records(KeyRecords):
    def _resolve(self, name):
        return record().encode()


def check(content, *, forwarders=(LIST,), domain="example.com", records=None):
    message = split_message(content)
    known = records or Records(1.0)
    return check_chain(message, domain, frozenset(forwarders), known, is_from=True)


def forward(content=MAIL, **more):
    """As a list does it: a footer, and a seal over the result."""
    given = {"domain": LIST, "results": PASS} | more
    return seal(content + b"-- \r\nThe list\r\n", **given)


def test_a_list_that_named_the_sender_proves_them_where_the_signature_is_broken():
    forwarded = forward(sign(MAIL))
    message = split_message(forwarded)
    assert not check_signatures(message, "example.com", Records(1.0)).passed
    found = check(forwarded)
    assert (found.passed, found.note) == (True, f"authenticated by {LIST}")


def test_lines_that_end_in_lf_alone_are_the_same():
    assert check(forward().replace(b"\r\n", b"\n")).passed


def test_each_who_had_it_afterwards_must_be_named():
    twice = forward(forward(), domain=MX, results=FAIL)
    assert check(twice, forwarders=(LIST, MX)).passed
    assert check(twice, forwarders=(MX,)).note == f"{MX} did not authenticate the sender's domain"
    found = check(twice, forwarders=(LIST,))
    assert (found.passed, found.note) == (
        False,
        f"sealed last by {MX}, which is no trusted forwarder",
    )
    through_other = forward(forward(forward(), domain=OTHER, results=PASS), results=FAIL)
    assert not check(through_other).passed


@pytest.mark.parametrize(
    ("results", "passed"),
    [
        (PASS, True),
        ("mx; dkim=pass header.d=example.com", True),
        (FAIL, False),
        ("mx; dmarc=fail dmarc=pass header.from=example.com", False),
        ("mx; dmarc=pass header.from=other.example", False),
        ("mx; none", False),
        ("dmarc=pass header.from=example.com", False),
    ],
)
def test_results_in_the_chain_are_read_as_strictly_as_others(results, passed):
    assert check(forward(results=results)).passed is passed


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda mail: mail.replace(b"opened", b"closed"), id="body"),
        pytest.param(lambda mail: mail.replace(b"ann@", b"bob@"), id="from"),
        pytest.param(lambda mail: b"From: bob@example.com\r\n" + mail, id="a from more"),
        pytest.param(lambda mail: b"Subject: Pay\r\n" + mail, id="a subject more"),
        pytest.param(lambda mail: mail.replace(b"; dmarc", b"; spf=none; dmarc"), id="results"),
        pytest.param(lambda mail: mail.replace(b"mx.lists", b"mx.lasts"), id="server"),
        pytest.param(lambda mail: mail.replace(b"cv=none", b"cv=pass"), id="cv"),
        pytest.param(lambda mail: mail.replace(b"ARC-Seal:", b"X-Seal:"), id="no seal"),
        pytest.param(lambda mail: mail.replace(b": i=1", b": i=2"), id="no first"),
        pytest.param(lambda mail: mail.replace(b": i=1", b": xi=1; i=1"), id="two instances"),
        pytest.param(
            lambda mail: b"ARC-Authentication-Results: i=1; " + PASS.encode() + b"\r\n" + mail,
            id="results twice",
        ),
        pytest.param(lambda mail: b"ARC-Seal: i=2; cv=pass\r\n" + mail, id="half a set"),
    ],
)
def test_a_changed_chain_proves_nothing(change):
    changed = change(forward())
    assert changed != forward()
    assert check(forward()).passed
    assert not check(changed).passed


@pytest.mark.parametrize(
    ("make", "note"),
    [
        (lambda: forward(cv="fail"), f"ended by {LIST}, which found it broken"),
        (lambda: forward(forward(), cv="fail"), f"ended by {LIST}, which found it broken"),
        (lambda: forward(forward(cv="fail"), cv="pass"), f"ended by {LIST}, which found it broken"),
        (lambda: forward(forward(), cv="none"), f"ended by {LIST}, which found it broken"),
        (lambda: forward(forward(), instance=3), "the chain has a gap"),
        (lambda: forward(instance=2), "the chain has a gap"),
        (lambda: MAIL, "no chain"),
        (lambda: forward(signed=("from", "to", "date")), "the last signature covers too little"),
        (lambda: forward(more="l=5; "), "the last signature covers too little"),
    ],
    ids=range(9),
)
def test_what_ends_a_chain_is_told(make, note):
    found = check(make())
    assert (found.passed, found.note) == (False, note)


def test_a_broken_seal_below_ends_it_though_the_last_one_holds():
    broken = forward().replace(b"d=lists.example.org; s=s1; cv", b"d=lists.example.org; s=s2; cv")
    other = type("Other", (Records,), {"_resolve": lambda self, name: _unless_s2(name)})
    assert check(forward(broken), records=other(1.0)).note == "a seal of the chain does not hold"


def _unless_s2(name):
    return b"v=DKIM1; p=" if name.startswith("s2.") else record().encode()


def test_a_dns_server_that_does_not_answer_is_named():
    class Silent(KeyRecords):
        def find(self, name, timeout=0):
            raise NoAnswerError(name.decode())

    found = check(forward(), records=Silent(1.0))
    assert found.note == f"the DNS did not answer for s1._domainkey.{LIST}."


def test_a_long_chain_is_not_looked_at():
    mail = MAIL
    for _ in range(MAX_SETS + 1):
        mail = seal(mail, domain=LIST, results=PASS)
    assert check(mail).note == f"the chain has more than {MAX_SETS} sets"


@given(st.binary(max_size=300), st.integers(0, 1500), st.sampled_from([b"", b"\r\n", b"=", b";"]))
@settings(max_examples=30 * DEPTH, deadline=None)
def test_no_bytes_make_it_raise(junk, at, more):
    sealed = forward()
    message = split_message(sealed[:at] + junk + more + sealed[at:])
    if not isinstance(message, str):
        assert check_chain(
            message, "example.com", frozenset([LIST]), Records(1.0), is_from=True
        ).note


@pytest.mark.parametrize(
    "make",
    [
        lambda n: forward().replace(b"opened", b"opened" + b" " * n + b"x"),
        lambda n: forward() + b" \t" * n,
        lambda n: b"ARC-Seal: i=1; " * n + forward(),
        lambda n: forward().replace(b"Subject:", b"X: y\r\n z\r\n" * n + b"Subject:"),
    ],
    ids=range(4),
)
def test_a_hostile_message_takes_no_time(make):
    message = split_message(make(100_000))
    start = time.process_time()
    if not isinstance(message, str):
        check_chain(message, "example.com", frozenset([LIST]), Records(1.0), is_from=True)
    assert time.process_time() - start < 5
