"""Automatic mail, bounces, receipts; and what people send."""

import pytest

from incoming_email.parsing.message import parse
from incoming_email.parsing.types import Kind


def verdict(*fields: str) -> tuple[Kind, str]:
    email = parse("\n".join(["From: a@example.com", *fields, "", "text"]).encode())
    return email.kind, email.kind_reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (["Auto-Submitted: auto-replied"], "Auto-Submitted: auto-replied"),
        (["Auto-Submitted: AUTO-Generated; owner=x"], "Auto-Submitted: auto-generated"),
        (["Auto-Submitted: (no) auto-replied (vacation)"], "Auto-Submitted: auto-replied"),
        (["Auto-Submitted: auto-notified"], "Auto-Submitted: auto-notified"),
        (["Auto-Submitted: no", "Auto-Submitted: auto-replied"], "Auto-Submitted: auto-replied"),
        (["X-Autoreply: yes"], "X-Autoreply: yes"),  # L04
        (["X-AutoReply: YES"], "X-Autoreply: yes"),
        (["X-Autoresponder: yes"], "X-Autoresponder"),  # L10
        (["X-Autorespond: Re: hello"], "X-Autorespond"),
        (["X-Auto-Reply: 1"], "X-Auto-Reply"),
        (["Precedence: auto_reply"], "Precedence: auto_reply"),
        (["Precedence: Auto_Reply"], "Precedence: Auto_Reply"),
        (
            ["X-Auto-Response-Suppress: DR, RN, OOF, AutoReply", "Subject: Automatic reply: hi"],
            "X-Auto-Response-Suppress with the subject of an automatic answer",
        ),  # L17
        (
            ["X-Auto-Response-Suppress: all", "Subject: =?utf-8?B?67aA7J6s7KSR?= hi"],
            "X-Auto-Response-Suppress with the subject of an automatic answer",
        ),
        (
            ["X-Auto-Response-Suppress: OOF", "Subject: Abwesenheitsnotiz: Urlaub"],
            "X-Auto-Response-Suppress with the subject of an automatic answer",
        ),
    ],
)
def test_an_automatic_answer_is_known_by_its_header(fields, reason):
    assert verdict(*fields) == (Kind.AUTOMATIC, reason)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        ["Auto-Submitted: no"],  # L08
        ["Auto-Submitted: No (really)"],
        ["Auto-Submitted:"],
        ["X-Autoreply: no"],
        ["X-Autoresponder: no"],
        ["Precedence: Bulk"],  # L09
        ["Precedence: list", "List-Id: <team.example.com>"],  # L11
        ["Return-Path: <>"],  # L16
        ["X-Auto-Response-Suppress: All"],
        ["X-Auto-Response-Suppress: DR, RN", "Subject: Automatic reply: hi"],
        ["Subject: Out of office: what shall we do?"],
        ["X-Auto-Response-Suppress: All", "Subject: Question on automatic replies"],
    ],
)
def test_what_people_send_is_personal(fields):
    assert verdict(*fields) == (Kind.PERSONAL, "")


def test_a_delivery_report_is_a_bounce(parse_sample):  # L04
    email = parse_sample("delivery-report")
    assert (email.kind, email.kind_reason) == (Kind.BOUNCE, "a delivery report (RFC 3464)")
    assert email.text == "not delivered"
    assert [each.filename for each in email.attachments] == ["attachment-1.txt", "message.eml"]


def test_a_delivery_report_without_its_type_is_a_bounce():
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnot delivered\n"
        b"--b\nContent-Type: message/delivery-status\n\nStatus: 5.1.1\n--b--\n"
    )
    assert parse(content).kind is Kind.BOUNCE


def test_a_forwarded_delivery_report_is_a_persons_mail():
    inner = "Content-Type: message/delivery-status\n\nStatus: 5.1.1\n"
    content = (
        "From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\n\nwhat is this?\n--b\nContent-Type: message/rfc822\n\n{inner}--b--\n"
    )
    assert parse(content.encode()).kind is Kind.PERSONAL


def test_bounces_of_older_servers():
    assert verdict("X-Failed-Recipients: x@example.com") == (Kind.BOUNCE, "X-Failed-Recipients")
    daemon = b"Return-Path: <>\nFrom: Mail <MAILER-DAEMON@example.com>\n\nHi. I am sorry"
    assert parse(daemon).kind_reason == "from the mailer daemon with a null reverse-path"
    assert parse(daemon).kind is Kind.BOUNCE
    assert parse(daemon.partition(b"\n")[2]).kind is Kind.PERSONAL


def test_a_read_receipt(parse_sample):
    email = parse_sample("read-receipt")
    assert (email.kind, email.kind_reason) == (Kind.RECEIPT, "a read receipt (RFC 8098)")


def test_another_report_is_automatic():
    content = (
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nx\n"
    )
    email = parse(content)
    assert (email.kind, email.kind_reason) == (Kind.AUTOMATIC, "a report of type feedback-report")


def test_an_out_of_office_answer(parse_sample):  # L03
    email = parse_sample("out-of-office")
    assert (email.kind, email.kind_reason) == (Kind.AUTOMATIC, "Auto-Submitted: auto-replied")
    assert email.in_reply_to == ("ours@example.com",)


def test_a_person_may_write_through_a_list(parse_sample):  # L11
    assert parse_sample("mailing-list-post-by-a-person").kind is Kind.PERSONAL


def test_a_null_return_path_is_told_but_drops_nothing(parse_sample):  # L16
    email = parse_sample("forwarded-with-null-return-path")
    assert (email.kind, email.null_return_path) == (Kind.PERSONAL, True)


@pytest.mark.parametrize(
    ("value", "is_null"),
    [("<>", True), (" < > (null)", True), ("<a@example.com>", False), ("", False)],
)
def test_the_null_return_path(value, is_null):
    assert parse(f"Return-Path: {value}\nFrom: a@example.com\n\nx".encode()).null_return_path is (
        is_null
    )


def test_our_own_marker_is_read():
    assert parse(b"X-Letterbox-Origin: letterbox.example\n\nx").origin == "letterbox.example"
