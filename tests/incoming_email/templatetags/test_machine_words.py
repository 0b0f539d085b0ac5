"""Pages in Korean show words that scripts rely on in Korean, and none of them is forgotten."""

import re

import pytest
from django.urls import reverse
from django.utils import translation

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


def test_each_word_is_korean():
    with translation.override("ko"):
        assert [word for word in machine_words.WORDS if not HANGUL.search(in_words(word))] == []


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
