"""Mail that is acted on, and whose sender no machine answers."""

import pytest

from incoming_email.parsing.addresses import asks_no_answer
from incoming_email.parsing.message import parse
from incoming_email.parsing.types import Kind


@pytest.mark.parametrize(
    "field",
    [
        *(
            "Return-Path: <>",
            "List-Id: <x.example.com>",
            "List-Unsubscribe: <mailto:a@example.com>",
        ),
        *("Precedence: bulk", "Precedence: list", "Precedence: junk"),
        *("X-Auto-Response-Suppress: All", "x-auto-response-suppress: DR, oof, AutoReply"),
    ],
)
def test_who_asks_for_no_answer_gets_none(field):
    email = parse(f"{field}\nFrom: a@example.com\nSubject: Printer\n\nIt burns.".encode())
    assert email.kind is Kind.PERSONAL
    assert email.why_unanswered


@pytest.mark.parametrize(
    "field", ["X-Auto-Response-Suppress: DR, RN", "Precedence: first-class", "Return-Path: <a@b.c>"]
)
def test_others_are_answered(field):
    assert parse(f"{field}\nFrom: a@example.com\n\nIt burns.".encode()).why_unanswered == ""


@pytest.mark.parametrize(
    "local",
    [
        *("no-reply", "noreply", "NoReply", "no_reply", "no.reply", "do-not-reply", "donotreply"),
        *("shop-noreply", "noreply-orders", "no-reply+17", "noreply2", "mailer-daemon"),
        *("MAILER-DAEMON", "list-bounces", "bounces+7-x=y", "bounce", "owner-team", "team-request"),
        *("nicht-antworten", "ne-pas-repondre", "no-responder", "naoresponda"),
    ],
)
def test_addresses_that_nobody_reads(local):
    assert asks_no_answer(f"{local}@example.com")


@pytest.mark.parametrize(
    "address",
    [
        *("", "ann@no-reply.example.com", "norepling@example.com", "anno.replyer@example.com"),
        *(
            "request@example.com",
            "owner@example.com",
            "bouncer@example.com",
            "ino-reply@example.com",
        ),
    ],
)
def test_addresses_of_people(address):
    assert not asks_no_answer(address)
