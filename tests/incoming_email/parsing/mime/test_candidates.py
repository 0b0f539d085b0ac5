"""Candidate addresses, in order."""

import pytest

from incoming_email.parsing.limits import Limits
from incoming_email.parsing.message import parse
from incoming_email.parsing.mime.candidates import HEADERS, find_received_for
from incoming_email.parsing.mime.mailboxes import parse_address


def addresses(header: str, value: str) -> list[str]:
    email = parse(f"{header}: {value}\nFrom: a@example.com\n\nbody".encode())
    return [candidate.address for candidate in email.candidates]


def test_headers_are_read_in_the_order_of_the_specification():
    fields = "".join(f"{name}: {name}@example.com\n" for name in reversed(HEADERS))
    fields = fields.replace("Received: R", "Received: by mx for <R").replace(
        "eceived@example.com", "eceived@example.com>; date"
    )
    email = parse(fields.encode() + b"\nbody", recipient="<Envelope@Example.com>")
    assert [(each.header, each.address) for each in email.candidates] == [
        ("Envelope", "envelope@example.com"),
        ("To", "to@example.com"),
        ("Delivered-To", "delivered-to@example.com"),
        ("Envelope-To", "envelope-to@example.com"),
        ("X-Envelope-To", "x-envelope-to@example.com"),
        ("Received", "received@example.com"),
        ("Cc", "cc@example.com"),
        ("X-Delivered-To", "x-delivered-to@example.com"),
        ("X-Original-To", "x-original-to@example.com"),
        ("X-Forwarded-To", "x-forwarded-to@example.com"),
        ("X-Gm-Original-To", "x-gm-original-to@example.com"),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@example.com, B <b@example.com>", ["a@example.com", "b@example.com"]),
        (", user@example.com", ["user@example.com"]),  # H33
        ("user@example.org <other@example.com>", ["other@example.com"]),  # H08
        ('"user@example.org" <other@example.com>', ["other@example.com"]),  # H08
        ("(c):", []),  # H10
        ("(x): a@example.com;", ["a@example.com"]),  # H10
        ('"', []),  # H11
        ("<", []),
        (":Foo <foo@example.com> <bar@example.com>", ["foo@example.com"]),  # H13
        ("undisclosed-recipients:", []),  # H15
        ("undisclosed-recipients:;", []),
        ("team: a@example.com", ["a@example.com"]),  # H15
        ("team: a@example.com, b@example.com;, c@example.com",
         ["a@example.com", "b@example.com", "c@example.com"]),
        ("support+tag@example.com", ["support+tag@example.com"]),  # H31
        ('"a, b" <INCOMING+Key@Example.com>', ["incoming+key@example.com"]),
        ('"Joe" <a@example.com> (c), "x', ["a@example.com"]),
        ("a@example.com b@example.com", ["a@example.com", "b@example.com"]),
        ("mailto:a@example.com", ["a@example.com"]),
        ("<a@example.com", ["a@example.com"]),
        ("(a@example.org) b@example.com", ["b@example.com"]),
        ("(((( a@example.com", ["a@example.com"]),
        ("J\xf6rg <a@example.com>", ["a@example.com"]),
        ("=?utf-8?q?a=40example.org=2C?= <b@example.com>", ["b@example.com"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("a@example.com.", ["a@example.com"]),
    ],
)  # fmt: skip
def test_addresses_of_a_list(value, expected):
    assert addresses("To", value) == expected
    assert addresses("Cc", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("from a by b for <in+K@example.com>; Tue, 2 Jan 2024 10:30:00 +0000",
         ["in+k@example.com"]),
        ("by mx for in@example.com; date", ["in@example.com"]),
        ("by mx (for <not@example.com>) for <in@example.com>", ["in@example.com"]),
        ("by mx (nested (for <not@example.com>) x) for <in@example.com> (x)",
         ["in@example.com"]),
        ("by mx with ESMTP\tFOR\t<in@example.com>", ["in@example.com"]),
        ("by waiting-for <no@example.com>", []),
        ("by mx for <nobody>; for 5 minutes", []),
        ("by mx (unclosed for <not@example.com>", []),
        ("by mx for <<in@example.com>>", []),
    ],
)  # fmt: skip
def test_received_names_its_recipient(value, expected):
    assert find_received_for(value) == expected


def test_google_groups_leaves_other_traces(parse_sample):  # H30
    email = parse_sample("google-groups-without-delivered-to")
    assert [(each.header, each.address) for each in email.candidates] == [
        ("To", "contact@example.com"),
        ("Received", "incoming+grp-proj-12-issue-@example.net"),
        ("X-Forwarded-To", "incoming+grp-proj-12-issue-@example.net"),
    ]


def test_every_occurrence_counts_newest_first():
    email = parse(
        b"Received: by a for <one@example.com>\nReceived: by b for <two@example.com>\n"
        b"To: x@example.com\nTo: y@example.com\nTo: x@example.com\n\nbody"
    )
    assert [each.address for each in email.candidates] == [
        "x@example.com",
        "y@example.com",
        "one@example.com",
        "two@example.com",
    ]


def test_too_many_addresses_are_cut_a_field_at_a_time():
    content = b"To: a@example.com, b@example.com\nTo: c@example.com\nCc: d@example.com\n\nbody"
    email = parse(content, limits=Limits(addresses=2))
    assert [each.address for each in email.candidates] == [
        "a@example.com",
        "b@example.com",
        "d@example.com",
    ]
    assert "more than 2 addresses in To" in email.defects
    exact = parse(content, limits=Limits(addresses=3))
    assert [each.address for each in exact.candidates][2] == "c@example.com"
    assert exact.defects == ("no From",)


def test_a_bare_address_is_valid_as_a_whole_or_not_at_all():
    assert parse_address(" A@Example.com ") == "a@example.com"
    assert parse_address("<a@example.com>") == ""
    assert parse_address("a@-example.com") == ""
    assert parse_address("@example.com") == ""
    assert parse_address("example.com") == ""
