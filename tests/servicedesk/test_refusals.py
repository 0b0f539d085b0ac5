"""Nobody is rejected in silence: who holds a key is told, and the team of a locked ticket."""

import smtplib

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail, Mailbox, Purpose
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, receiving, reviewing
from incoming_email.smtp import listener as smtp
from issues import services
from issues.models import Issue, Note, OutgoingEmail
from tests.factories import ProjectFactory
from tests.incoming_email.pipeline.test_races import at_once
from tests.incoming_email.world import make_mail
from tests.servers.dovecot import free_ports
from tests.servicedesk.customer_server import ADDRESS, custom_email
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "<first@customer.example>"


@pytest.fixture
def desk():
    return make_desk()


def switch_off(desk):
    desk.settings.enabled = False
    desk.settings.save()


def ended(row):
    return row.status, row.reason


def notices(kind="rejection"):
    return list(OutgoingEmail.objects.filter(kind=kind).order_by("pk"))


def told_team():
    notes = Note.objects.filter(internal=True, author__username="support-bot").order_by("pk")
    return list(notes.values_list("body", flat=True))


@pytest.fixture
def port():
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port)
    yield port
    controller.stop()


def ask(port, recipient):
    """The listener's answer at RCPT."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.ehlo()
        client.mail(CUSTOMER)
        return client.rcpt(recipient)


def test_the_listener_refuses_a_desk_that_is_off_like_one_that_never_was(desk, port):
    """By each of its addresses, and says nothing about which projects there are."""
    custom_email(desk.settings)
    desk.settings.key = "help"
    desk.settings.save()
    Mailbox.objects.create(
        name="desks",
        enabled=True,
        address="contact+%{key}@letterbox.localhost",
        inbox_method="smtp",
        purpose=Purpose.SERVICE_DESK_EMAIL,
    )
    alias = "contact+shop-help@letterbox.localhost"
    addresses = (desk.address, alias, ADDRESS)
    assert {ask(port, address)[0] for address in addresses} == {250}
    switch_off(desk)
    without_desk = desk.address.replace(f"-{desk.project.pk}-", f"-{ProjectFactory().pk}-")
    without_project = desk.address.replace(f"-{desk.project.pk}-", "-999999-")
    answers = {ask(port, address) for address in (*addresses, without_desk, without_project)}
    assert answers == {ask(port, "incoming+nothing@letterbox.localhost")}
    assert {code for code, _words in answers} == {550}


def test_a_key_of_a_ticket_is_taken_while_the_desk_is_off(desk, port):
    desk.open_ticket()
    (thanks,) = sent_to(CUSTOMER)
    switch_off(desk)
    assert ask(port, thanks.headers["Reply-To"].partition("<")[2].rstrip(">"))[0] == 250
    row = desk.receive(answer(thanks, body="Still broken."))
    assert row.note.body == "Still broken."


@pytest.mark.parametrize("project", ["off", "none"])
def test_who_writes_to_a_desk_that_is_off_reads_what_a_wrong_address_gets(desk, project):
    switch_off(desk)
    address = desk.address
    if project == "none":
        address = address.replace(f"-{desk.project.pk}-", "-999999-")
    row = desk.write(to=address, **PROVEN)
    reason = Reason.DESK_OFF if project == "off" else Reason.UNKNOWN_ADDRESS
    assert ended(row) == (Status.REJECTED, reason)
    (notice,) = notices()
    assert "This address doesn't accept email." in notice.text
    assert not Issue.objects.exists()


def test_a_desk_that_is_off_does_not_hide_another_address(desk):
    """A key that leads nowhere does not end the search."""
    switch_off(desk)
    private = sender_tokens.new_issue_address(
        user=desk.agent, project=desk.project, now=timezone.now()
    )
    row = desk.write(desk.agent.email, Cc=private)
    assert (row.status, row.handler) == (Status.PROCESSED, "issue")


@pytest.fixture
def locked(desk):
    issue = desk.open_ticket(Message_ID=FIRST)
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    services.set_locked(item=issue, actor=desk.agent, locked=True)
    sent()
    return issue


def test_of_a_locked_ticket_both_sides_hear(desk, locked):
    before = len(sent_to(desk.agent.email))
    row = desk.receive(answer(sent_to(CUSTOMER)[0], body="Hello?"))
    assert ended(row) == (Status.REJECTED, Reason.LOCKED)
    assert row.issue == locked
    (notice,) = notices()
    assert notice.recipient == CUSTOMER
    assert "The discussion is locked" in notice.text
    (note,) = told_team()
    assert note.startswith(f"A mail from `{CUSTOMER}` was not added to this ticket")
    assert len(sent_to(desk.agent.email)) == before + 1
    assert "Hello?" not in "".join(mail.text for mail in sent())


def test_the_team_hears_once_of_a_message(desk, locked):
    """Of its copies, and where it is processed again while the ticket is locked."""
    content = answer(sent_to(CUSTOMER)[0], body="Hello?", Cc=desk.address, **PROVEN)
    rows = [desk.receive(content, recipient=to) for to in (None or "", desk.address)]
    assert {ended(row) for row in rows} == {(Status.REJECTED, Reason.LOCKED)}
    assert len(told_team()) == 1
    assert reviewing.requeue([rows[0].pk], now=timezone.now()) == [rows[0].pk]
    processing.process(rows[0].pk)
    assert len(told_team()) == 1
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Hello again?"))
    assert len(told_team()) == 2
    services.set_locked(item=locked, actor=desk.agent, locked=False)
    reviewing.requeue([row.pk for row in rows], now=timezone.now())
    for row in rows:
        processing.process(row.pk)
    assert Note.objects.filter(body="Hello?").count() == 1


def test_two_copies_at_the_same_moment_are_told_once(desk, locked):
    content = answer(sent_to(CUSTOMER)[0], body="Hello?", Cc=desk.address, **PROVEN)
    messages = [RawMessage(f"copy:{n}", content) for n in range(4)]
    rows = receiving.store(desk.mailbox, messages, now=timezone.now(), claimed=False)
    at_once(*[lambda pk=row.pk: processing.process(pk) for row in rows])
    assert len(told_team()) == 1


def test_a_dry_run_tells_nobody(desk, locked):
    message = RawMessage("dry", answer(sent_to(CUSTOMER)[0], body="Hello?"))
    (row,) = receiving.store(desk.mailbox, [message], now=timezone.now(), claimed=False)
    assert processing.try_out(row, now=timezone.now()).reason is Reason.LOCKED
    assert told_team() == []
    assert notices() == []


def test_nobody_is_mentioned_by_the_address_that_somebody_writes_from(desk, locked):
    sender = f"x`@{desk.agent.username}@evil.example"
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Hello?", sender=f'"{sender}"@evil.example'))
    assert not [note for note in told_team() if f"`@{desk.agent.username}" in note]


@pytest.mark.parametrize("sender", [CUSTOMER, "eve@evil.example"])
def test_who_holds_a_key_is_told_of_a_message_that_is_too_large(desk, sender):
    desk.open_ticket()
    (thanks,) = sent_to(CUSTOMER)
    header = answer(thanks, body="", sender=sender)
    (row,) = receiving.store(
        desk.mailbox, [RawMessage("large", header, oversize=True)], now=timezone.now(), claimed=True
    )
    processing.process_claimed([row], clock=timezone.now)
    row = InboundEmail.objects.get(pk=row.pk)
    assert ended(row) == (Status.REJECTED, Reason.TOO_LARGE)
    assert row.project == desk.project
    assert [notice.recipient for notice in notices()] == [CUSTOMER] * (sender == CUSTOMER)


@pytest.mark.parametrize("sender", [CUSTOMER, "eve@evil.example"])
def test_who_holds_a_key_is_told_that_a_message_is_held(desk, settings, sender):
    settings.MAX_RECIPIENTS = 2
    desk.open_ticket()
    (thanks,) = sent_to(CUSTOMER)
    people = ", ".join(f"p{n}@customer.example" for n in range(3))
    row = desk.receive(answer(thanks, body="All of us", sender=sender, Cc=people))
    reason = Reason.TOO_MANY_RECIPIENTS if sender == CUSTOMER else Reason.SENDER_MISMATCH
    assert ended(row) == (Status.HELD, reason)
    assert [notice.recipient for notice in notices("held")] == [CUSTOMER] * (sender == CUSTOMER)
    assert "It is broken" not in "".join(n.subject + n.text for n in notices("held"))


def test_mail_without_a_sender_never_becomes_the_desks_own_words(desk):
    """Not even once it is released: participants would get it as the team's."""
    issue = desk.open_ticket(Message_ID=FIRST)
    (thanks,) = sent_to(CUSTOMER)
    content = make_mail(to=thanks.headers["Reply-To"], sender="", body="Send money")
    row = desk.receive(content)
    for _ in range(3):
        assert row.status == Status.HELD
        reviewing.release([row.pk], now=timezone.now())
        processing.process(row.pk)
        row.refresh_from_db()
    assert ended(row) == (Status.HELD, Reason.NO_SENDER)
    assert not issue.notes.filter(system=False, internal=False).exists()
