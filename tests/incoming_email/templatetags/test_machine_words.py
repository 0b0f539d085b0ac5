"""Pages in Korean show words that scripts rely on in Korean, and none of them is forgotten."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import translation

from incoming_email import pipeline
from incoming_email.admin.ledger_trace import DRAWINGS
from incoming_email.inboxes import registry
from incoming_email.inboxes.base import Answer
from incoming_email.outcomes import Reason
from incoming_email.parsing.types import Kind
from incoming_email.templatetags import machine_words
from incoming_email.templatetags.machine_words import in_words
from tests.incoming_email.factories import MailboxFactory

PROTOCOLS = {"dns", "tcp", "tls"}
HANGUL = re.compile("[가-힣]")


def find_steps():
    for method in registry.METHODS:
        yield from (step.name for step in method.check.steps)


def test_no_word_is_forgotten():
    said = {value.replace("_", " ") for value in Reason.values} | {kind.value for kind in Kind}
    assert said | set(DRAWINGS) | set(Answer) | set(find_steps()) <= machine_words.WORDS | PROTOCOLS


def test_no_result_of_a_trace_is_forgotten():
    code = "".join(path.read_text() for path in Path(pipeline.__file__).parent.glob("*.py"))
    said = set(re.findall(r'"result": "([^"]+)"', code))
    assert len(said) > 5
    assert said <= machine_words.WORDS


def test_each_word_is_korean():
    with translation.override("ko"):
        assert [word for word in machine_words.WORDS if not HANGUL.search(in_words(word))] == []


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("note: found", "note"),
        ("merge_request: the key is not the sender's", "merge_request"),
        ("acted on as inbound email 12", "12"),
        ("not sent: the limit of automatic answers is reached (LOOP_LIMIT_PER_HOUR)", "LOOP"),
        ("From is ann@example.com, an address of a mailing list", "ann@example.com"),
        ("own DKIM check: no signature of the sender's domain holds; ARC: no chain", "DKIM ARC"),
        ("own DKIM check: signed by example.com", "DKIM example.com"),
        ("no Authentication-Results of mx.example.com", "Authentication-Results mx.example.com"),
    ],
)
def test_a_sentence_that_names_something_is_korean_but_for_that(said, left):
    with translation.override("ko"):
        shown = in_words(said)
    assert HANGUL.search(shown)
    assert all(word in shown for word in left.split())
    assert not re.search(r"\b(the|of|is|as|by|sent|found|key)\b", shown), shown


def test_each_sentence_is_korean():
    with translation.override("ko"):
        shown = [in_words(sentence) for sentence in machine_words.SENTENCES]
    assert [each for each in shown if not HANGUL.search(each)] == ["ARC: %s"]


@pytest.mark.parametrize("word", ["", "a word of another version", "tls"])
def test_any_other_word_stays(word):
    with translation.override("ko"):
        assert in_words(word) == word


@pytest.mark.django_db
def test_a_check_in_korean(admin_client, tmp_path):
    mailbox = MailboxFactory(inbox_method="maildir", maildir_path=str(tmp_path))
    address = reverse("admin:incoming_email_mailbox_test", args=[mailbox.pk])
    page = admin_client.post(address, headers={"accept-language": "ko"})
    steps = re.findall(r'<tr><th scope="row">(.*?)</th><td><span[^>]*>(.*?)</span>', page.text)
    assert len(steps) > 3
    assert all(HANGUL.search(word) for pair in steps for word in pair), steps
