"""Who left a ticket, or was not reached, and writes again gets an answer; a customer waits until
mail of the team went to somebody."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import SenderPolicy
from incoming_email.pipeline import processing, receiving
from issues import services
from issues.models import Note, OutgoingEmail, OutgoingState, State
from issues.outbox import giving_up
from servicedesk.joining import add_people
from servicedesk.models import Participant, Ticket
from servicedesk.participants import record_bounce, unsubscribe
from tests.servicedesk.test_tickets import delivery_report
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "<first@customer.example>"


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def issue(desk):
    return desk.open_ticket(Message_ID=FIRST)


def leave(address=CUSTOMER, *, now=None):
    unsubscribe(Participant.objects.get(address=address), now=now or timezone.now())


def has_left(address=CUSTOMER):
    return Participant.objects.get(address=address).unsubscribed_at is not None


def waits():
    return Ticket.objects.waiting().exists()


def say(desk, issue, body="Yes."):
    """An agent answers, and mail is made of it."""
    note = services.create_note(item=issue, author=desk.agent, body=body)
    sent()
    return note


def answers():
    return [mail for mail in sent_to(CUSTOMER) if mail.kind == "desk_note"]


def test_who_left_and_answers_by_their_key_is_answered(desk, issue):
    (thanks,) = sent_to(CUSTOMER)
    leave()
    desk.receive(answer(thanks, body="Still broken."))
    assert not has_left()
    changes = Note.objects.filter(system=True).values_list("body", flat=True)
    assert f"has mail sent to {CUSTOMER} again" in changes
    say(desk, issue)
    assert len(answers()) == 1


@pytest.mark.parametrize(("fields", "back"), [(PROVEN, True), ({}, False)])
def test_mail_to_the_desk_brings_them_back_only_where_it_is_proven(desk, issue, fields, back):
    """From alone, which anybody can write, undoes nothing that they asked for."""
    leave()
    row = desk.write(In_Reply_To=FIRST, body="Me again.", **fields)
    assert row.note.issue == issue
    assert has_left() is not back
    say(desk, issue)
    assert bool(answers()) is back
    assert waits() is not back


def test_the_key_of_somebody_else_brings_nobody_back(desk, issue):
    """Where the mailbox does not ask whether From fits."""
    desk.mailbox.reply_sender_policy = SenderPolicy.OFF
    desk.mailbox.save()
    add_people(issue=issue, actor=desk.agent, addresses=["eve@evil.example"], now=timezone.now())
    (welcome,) = sent_to("eve@evil.example")
    leave()
    row = desk.receive(answer(welcome, body="It is me, Carl.", sender=CUSTOMER))
    assert row.note.external_author == CUSTOMER
    assert has_left()


def test_what_was_written_before_they_left_brings_nobody_back(desk, issue):
    (thanks,) = sent_to(CUSTOMER)
    message = RawMessage("late", answer(thanks, body="Before I go."))
    (row,) = receiving.store(desk.mailbox, [message], now=timezone.now(), claimed=False)
    leave()
    assert processing.process(row.pk)
    assert Note.objects.get(system=False).body == "Before I go."
    assert has_left()


def test_they_wait_on_where_nobody_was_left_to_answer(desk, issue):
    person = Participant.objects.get()
    for _ in range(3):
        record_bounce(person, "550 no such user", now=timezone.now())
    say(desk, issue)
    assert answers() == []
    assert waits()
    desk.write(In_Reply_To=FIRST, body="Hello?")
    say(desk, issue)
    assert len(answers()) == 1
    assert not waits()


def fail(mail):
    """The server of the recipient refuses it for good."""
    assert giving_up.give_up(mail, "550 no such user", now=timezone.now())


@pytest.mark.parametrize("is_closed", [False, True])
def test_they_wait_again_where_the_answer_reached_nobody(desk, issue, is_closed):
    add_people(issue=issue, actor=desk.agent, addresses=["ann@x.example"], now=timezone.now())
    note = say(desk, issue)
    if is_closed:
        services.close_item(item=issue, actor=desk.agent)
    mails = OutgoingEmail.objects.filter(effect_key__startswith=f"note-{note.pk}-")
    first, second = mails.order_by("pk")
    fail(first)
    assert not waits(), "the other one may arrive"
    fail(second)
    assert waits()


def test_they_wait_again_where_the_answer_came_back(desk, issue):
    say(desk, issue, "One")
    say(desk, issue, "Two")
    one, two = answers()
    OutgoingEmail.objects.update(state=OutgoingState.SENT, sent_at=timezone.now())
    bring_back(desk, one)
    assert not waits(), "what was said last has arrived"
    bring_back(desk, two)
    assert waits()


def bring_back(desk, mail):
    """The recipient's server reports that it did not deliver this mail."""
    head = f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{mail.message_id}>\r\n"
    report = delivery_report(mail.envelope_sender).replace(b"--b--", f"{head}--b--".encode())
    assert desk.receive(report, recipient=mail.envelope_sender).handler == "ticket_bounce"


def test_a_thank_you_that_comes_back_changes_nothing(desk, issue):
    say(desk, issue)
    fail(OutgoingEmail.objects.get(kind="desk_thank_you"))
    assert not waits()


def close(desk, issue):
    services.close_item(item=issue, actor=desk.agent)
    Ticket.objects.update(waiting_since=None)


def test_an_answer_to_a_closed_ticket_waits_though_it_stays_closed(client):
    desk = make_desk(reopen=False)
    client.force_login(desk.agent)
    issue = desk.open_ticket(Message_ID=FIRST)
    close(desk, issue)
    assert not waits()
    desk.write(In_Reply_To=FIRST, body="It is broken again.")
    issue.refresh_from_db()
    assert issue.state == State.CLOSED
    listed = client.get(reverse("ticket-list", args=[desk.project.path]) + "?state=waiting")
    assert [ticket.issue for ticket in listed.context["tickets"]] == [issue]
    assert "waits for" in listed.text
    page = client.get(reverse("issue-detail", args=[desk.project.path, issue.iid]))
    assert page.context["ticket"].waiting_since is not None
    say(desk, issue)
    assert not waits()


def test_what_a_ticket_was_closed_with_waits_no_more(client):
    """Even where nobody answered; only what comes later does."""
    desk = make_desk(reopen=False)
    client.force_login(desk.agent)
    issue = desk.open_ticket(Message_ID=FIRST)
    services.close_item(item=issue, actor=desk.agent)
    assert not waits()
    page = client.get(reverse("issue-detail", args=[desk.project.path, issue.iid]))
    assert page.context["ticket"].waiting_since is None
    before = Ticket.objects.get().waiting_since
    desk.write(In_Reply_To=FIRST, body="But it is broken!")
    assert waits()
    assert Ticket.objects.get().waiting_since > before
    services.reopen_item(item=issue, actor=desk.agent)
    services.close_item(item=issue, actor=desk.agent)
    assert not waits()


def test_a_ticket_that_is_closed_while_its_mail_is_read_waits():
    desk = make_desk(reopen=False)
    issue = desk.open_ticket(Message_ID=FIRST)
    services.close_item(item=issue, actor=desk.agent)
    type(issue).objects.update(closed_at=timezone.now() + timedelta(minutes=1))
    desk.write(In_Reply_To=FIRST, body="Wait!")
    assert waits()
