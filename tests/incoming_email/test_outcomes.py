"""Every reason has a text for the administrator; what a notice can send has one for the sender."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.functional import Promise
from django.utils.translation import override

from incoming_email.handlers.texts import REASON_OF
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason
from issues import services

ROOT = Path(__file__).resolve().parents[2]
NOTIFYING = {"Rejected", "Reject", "Held", "Hold", "_hold"}
NAME = re.compile(r"\bReason\.([A-Z_]+)")


def find_sources() -> Iterator[str]:
    for folder in ("incoming_email", "servicedesk"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path.read_text()


def find_notified(source: str) -> set[Reason]:
    """The reasons that code rejects or holds messages with: directly, by Target.refusal, or by the
    table of the refusals of the domain."""
    values = [value for node in ast.walk(ast.parse(source)) for value in find_values(node)]
    return {Reason[name] for value in values for name in NAME.findall(ast.unparse(value))}


def find_values(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in NOTIFYING:
            return [first]
        case ast.keyword(arg="refusal", value=value):
            return [value]
        case ast.Assign(targets=[ast.Name(id="refusal" | "REASON_OF")], value=value):
            return [value]
    return []


def find_wordless(notified: set[Reason]) -> tuple[set[Reason], set[Reason]]:
    """Those that notify the sender without a text, and those with a text that nobody gets."""
    with_text = {reason for reason in Reason if str(reason.for_sender).strip()}
    return notified - with_text, with_text - notified


def test_every_reason_has_a_label_and_those_that_notify_a_text_for_the_sender():
    assert [reason for reason in Reason if not str(reason.label).strip()] == []
    notified = set[Reason]().union(*map(find_notified, find_sources()))
    assert find_wordless(notified) == ({Reason.SPAM}, set()), "nobody tells a spammer anything"


@pytest.mark.parametrize(
    "line",
    [
        "raise Rejected(Reason.PROBE)",
        "_hold(Reason.PROBE, context)",
        "refusal = Reason.PROBE if spent else None",
        "replace(target, refusal=Reason.PROBE)",
        "REASON_OF = {Why.PATCH: Reason.PROBE}",
    ],
)
def test_a_rejection_without_a_text_for_the_sender_is_found(line):
    assert find_wordless(find_notified(line))[0] == {Reason.PROBE}


def test_every_reason_is_used():
    names = {name for source in find_sources() for name in NAME.findall(source)}
    assert set(Reason.__members__) - names == set(), "nothing ends so: delete it, or use it"


def test_every_refusal_of_the_domain_has_a_reason():
    assert set(REASON_OF) == set(services.Why)


def test_every_reason_fits_its_column():
    limit = InboundEmail._meta.get_field("reason").max_length
    assert [reason for reason in Reason if len(reason.value) > limit] == []


def test_every_text_is_marked_for_translation():
    texts = [text for reason in Reason for text in (reason.label, reason.for_sender) if text]
    assert [text for text in texts if not isinstance(text, Promise)] == [], "wrap it in _()"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_two_texts_differ_where_one_addresses_the_sender(language):
    with override(language):
        assert str(Reason.STRANGER.for_sender) != str(Reason.STRANGER.label)
        assert str(Reason.UNKNOWN_ADDRESS.for_sender) != str(Reason.UNKNOWN_ADDRESS.label)
    assert str(Reason.STRANGER.for_sender).startswith("You ")
