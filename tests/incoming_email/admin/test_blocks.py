"""Senders are blocked in the admin, by hand or from the page of one of their messages."""

import re
from html import unescape

import pytest

from incoming_email.models import BlockedSender
from incoming_email.outcomes import Status
from tests.admin_site import incoming_url as url
from tests.admin_site import page_of
from tests.factories import ProjectFactory
from tests.incoming_email.admin.ledger_rows import ended

pytestmark = pytest.mark.django_db


def test_from_a_message_to_a_block_of_its_sender(admin):
    row = ended(Status.PROCESSED, sender="o'neil+x@spam.example")
    (link,) = re.findall(r'href="([^"]*blockedsender/add/\?[^"]*)"', page_of(admin, row).text)
    form = admin.get(unescape(link)).context["adminform"].form
    assert form.initial["pattern"] == "o'neil+x@spam.example"
    answer = admin.post(unescape(link), {"pattern": "*@Spam.example", "comment": "many"})
    assert answer.status_code == 302
    assert BlockedSender.objects.values_list("pattern", "project", "comment").get() == (
        "*@spam.example",
        None,
        "many",
    )


def test_an_operator_sees_blocks_and_makes_none(operator):
    BlockedSender.objects.create(pattern="*@spam.example", project=ProjectFactory())
    page = operator.get(url("blockedsender", "changelist")).text
    assert "*@spam.example" in page
    assert operator.get(url("blockedsender", "add")).status_code == 403
    assert (
        "blockedsender/add"
        not in page_of(operator, ended(Status.PROCESSED, sender="a@b.example")).text
    )


def test_what_is_wrong_is_said_at_the_field(admin):
    answer = admin.post(url("blockedsender", "add"), {"pattern": "everybody"})
    assert answer.context["adminform"].form.errors == {
        "pattern": ["Write an address, or *@ and a domain, such as *@example.com."]
    }
