"""Every reason has a text for the administrator; what a notice can send has one for the sender."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import override

from incoming_email.outcomes import Reason

ROOT = Path(__file__).resolve().parents[2]
SILENT = {
    Reason.AUTOMATIC,
    Reason.BOUNCE,
    Reason.RECEIPT,
    Reason.OWN_MAIL,
    Reason.BLOCKED_SENDER,
    Reason.PROBE,
    Reason.DUPLICATE,
    Reason.DISCARDED,
}
NOTIFYING = {"Rejected", "Reject", "Held", "Hold", "_hold"}
NAME = re.compile(r"\bReason\.([A-Z_]+)")


def find_notified() -> Iterator[Reason]:
    """The reasons that the code rejects or holds messages with, directly or by Target.refusal."""
    for folder in ("incoming_email", "servicedesk"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                for value in find_values(node):
                    yield from (Reason[name] for name in NAME.findall(ast.unparse(value)))


def find_values(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in NOTIFYING:
            return [first]
        case ast.keyword(arg="refusal", value=value):
            return [value]
        case ast.Assign(targets=[ast.Name(id="refusal")], value=value):
            return [value]
    return []


def test_every_reason_has_a_label_and_all_but_silent_ones_a_text_for_the_sender():
    assert [reason for reason in Reason if not str(reason.label).strip()] == []
    assert {reason for reason in Reason if not str(reason.for_sender).strip()} == SILENT


def test_what_rejects_or_holds_is_not_silent():
    found = set(find_notified())
    assert found > {Reason.UNKNOWN_ADDRESS, Reason.KEY_EXPIRED, Reason.SENDER_MISMATCH}
    assert found & SILENT == set()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_two_texts_differ_where_one_addresses_the_sender(language):
    with override(language):
        assert str(Reason.STRANGER.for_sender) != str(Reason.STRANGER.label)
        assert str(Reason.UNKNOWN_ADDRESS.for_sender) != str(Reason.UNKNOWN_ADDRESS.label)
    assert str(Reason.STRANGER.for_sender).startswith("You ")
