"""The trace as it is drawn: what each step did, in the order of the steps, down to the end."""

import re

import pytest
from django.conf import settings

from incoming_email.admin.ledger_trace import DRAWINGS, Chapter, Mark, draw_trace
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.types import Candidate
from tests.admin_site import page_of
from tests.factories import UserFactory
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import InboundEmailFactory, MailboxFactory
from tests.incoming_email.world import make_mail, make_world

PERSONAL = {"step": "kind", "result": "personal", "because": ""}
NOT_OURS = {"step": "address", "header": "To", "address": "a@example.com", "result": "not ours"}
FOUND = {"step": "address", "header": "Cc", "address": "in@x.example", "result": "note: found"}


def draw(*steps, candidates=(), **row):
    return draw_trace(InboundEmail(**row), steps, candidates)


def marks(*steps, **row):
    return [line.mark for stage in draw(*steps, **row) for line in stage.lines]


def test_steps_become_stages_in_their_order():
    right, notice = {"step": "sender", "result": "fits the key"}, {"step": "notice"}
    stages = draw(PERSONAL, NOT_OURS, FOUND, right, notice)
    assert [(stage.chapter, len(stage.lines)) for stage in stages] == [
        (Chapter.KIND, 1),
        (Chapter.ADDRESS, 2),
        (Chapter.RIGHT, 1),
        (Chapter.EFFECT, 1),
    ]
    assert [stage.mark for stage in stages] == [
        *(Mark.PASSED, Mark.TAKEN, Mark.PASSED, Mark.NOTED),
    ]


def test_an_address_is_taken_or_passed_over_and_says_why():
    (stage,) = draw(NOT_OURS, FOUND)
    assert [line.mark for line in stage.lines] == [Mark.OVER, Mark.TAKEN]
    assert stage.lines[0].particulars == (("header", "To"), ("address", "a@example.com"))
    assert stage.lines[0].result == "not ours"


def test_an_address_that_yields_to_the_sender_s_own_key_is_passed_over():
    own = {"step": "reference", "key": "k3y0…", "result": "note: found"}
    assert marks(FOUND, own) == [Mark.OVER, Mark.TAKEN]


def test_where_no_address_leads_anywhere_the_way_ends():
    (stage,) = draw(NOT_OURS)
    assert stage.mark == Mark.STOPPED


def test_addresses_behind_the_one_that_was_taken_were_not_asked():
    named = [Candidate("To", "a@example.com"), Candidate("Cc", "b@example.com")]
    _kind, stage = draw(PERSONAL, NOT_OURS, candidates=named)
    assert [(line.mark, dict(line.particulars)["address"]) for line in stage.lines] == [
        (Mark.OVER, "a@example.com"),
        (Mark.UNASKED, "b@example.com"),
    ]
    (only,) = draw(PERSONAL, candidates=named)
    assert only.chapter == Chapter.KIND
    many = [Candidate("Cc", f"{n}@example.com") for n in range(500)]
    assert len(draw(NOT_OURS, candidates=many)[0].lines) == 21


@pytest.mark.parametrize(
    ("step", "row", "mark"),
    [
        ({"step": "kind", "result": "automatic"}, {}, Mark.STOPPED),
        ({"step": "reading", "result": "ended"}, {}, Mark.STOPPED),
        ({"step": "probe", "result": "12"}, {}, Mark.PASSED),
        ({"step": "limit", "result": "delayed"}, {}, Mark.STOPPED),
        ({"step": "duplicate", "result": "acted on as 1"}, {}, Mark.STOPPED),
        ({"step": "sender", "result": "not asked for"}, {}, Mark.OVER),
        ({"step": "sender", "result": "does not fit the key"}, {}, Mark.NOTED),
        (
            {"step": "sender", "result": "does not fit the key"},
            {"status": Status.HELD, "held_rule": Reason.SENDER_MISMATCH},
            Mark.STOPPED,
        ),
        ({"step": "authentication", "result": "passed"}, {}, Mark.PASSED),
        ({"step": "authentication", "result": "not passed"}, {}, Mark.NOTED),
        (
            {"step": "authentication", "result": "not passed"},
            {"status": Status.HELD, "held_rule": Reason.NOT_AUTHENTICATED},
            Mark.STOPPED,
        ),
        ({"step": "blocked senders", "result": "blocked everywhere"}, {}, Mark.STOPPED),
        ({"step": "answered note", "result": "internal"}, {}, Mark.NOTED),
        (
            {"step": "answered note", "result": "internal"},
            {"status": Status.HELD, "held_rule": Reason.INTERNAL_ANSWER},
            Mark.STOPPED,
        ),
        ({"step": "quick actions", "result": "sent"}, {}, Mark.NOTED),
        ({"step": "of a later version"}, {}, Mark.NOTED),
        ({}, {}, Mark.NOTED),
    ],
)
def test_what_a_step_did(step, row, mark):
    assert marks(step, **row) == [mark]


def find_written(source):
    return re.findall(r'"step": "([^"]+)"', source)


def test_every_step_that_is_written_is_drawn():
    """What is not known here would be drawn below the effects, as if it had stopped nothing."""
    rooms = ("incoming_email/pipeline", "incoming_email/handlers", "servicedesk")
    folders = [settings.BASE_DIR / room for room in rooms]
    written = {
        name
        for folder in folders
        for path in folder.rglob("*.py")
        for name in find_written(path.read_text())
    }
    assert find_written('trace.append({"step": "new one", "result": ""})') == ["new one"]
    assert written == set(DRAWINGS), "draw it in admin/ledger_trace.py"


@pytest.mark.parametrize("step", ["blocked senders", "answered note"])
def test_what_stops_a_message_is_drawn_with_its_rights(step):
    (stage,) = draw({"step": step})
    assert stage.chapter == Chapter.RIGHT


def test_a_report_that_a_handler_waits_for_goes_on():
    bounce = {"step": "kind", "result": "bounce"}
    taken = {"step": "address", "key": "k3y0…", "result": "bounce: found"}
    assert marks(bounce, taken) == [Mark.NOTED, Mark.TAKEN]


@pytest.mark.django_db
def test_the_page_draws_it_without_keys(operator):
    row = ended(
        Status.REJECTED,
        trace=[
            PERSONAL,
            NOT_OURS,
            {"step": "address", "header": "Cc", "address": "in+k3y0…@example.com", "key": "k3y0…"},
        ],
        mailbox=MailboxFactory(address="in+%{key}@example.com"),
        raw=b"To: a@example.com\nCc: in+k3y0k3y0@example.com\n\nHi",
    )
    response = page_of(operator, row)
    assert [len(stage.lines) for stage in response.context["page"].trace] == [1, 2]
    assert response.text.count("<code>in+k3y0…@example.com</code>") == 1
    assert "<code>a@example.com</code> → not ours" in response.text
    assert Reason.UNKNOWN_ADDRESS.label.replace("'", "&#x27;") in response.text


@pytest.mark.django_db
def test_a_message_that_acted_and_one_that_was_held_are_drawn_to_their_end(operator):
    world = make_world()
    done = world.receive(make_mail(to=world.reply_address(), sender=world.member.email))
    held = world.receive(make_mail(to=world.reply_address(), sender=UserFactory().email))
    page = page_of(operator, done).context["page"]
    assert [stage.mark for stage in page.trace] == [Mark.PASSED, Mark.TAKEN, Mark.PASSED]
    assert any(fact.value == done.outcome for fact in page.end)
    page = page_of(operator, held).context["page"]
    assert Mark.STOPPED in [stage.mark for stage in page.trace]
    assert "sender_mismatch" in [fact.value for fact in page.end]


@pytest.mark.django_db
def test_what_nobody_looked_at_has_nothing_drawn(operator):
    response = page_of(operator, InboundEmailFactory(raw=b"To: a@example.com\n\nHi"))
    assert "No attempt to process it was made yet." in response.text
    assert 'class="flow"' not in response.text
