"""Nobody gets a thing twice: who has the mail itself, and what a reopening sends."""

import pytest
from django.urls import reverse

from issues import services
from issues.models import Note, State
from servicedesk.models import DirectCopy
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, as_received, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
ANN, BOB = "ann@customer.example", "bob@customer.example"


@pytest.fixture
def desk():
    return make_desk(add_cc=True)


def kinds(address):
    return [row.kind for row in sent_to(address)]


def test_who_was_in_cc_of_the_first_mail_is_welcomed_without_a_copy_of_it(desk):
    desk.open_ticket(Cc=ANN, body="My shop does not open", **PROVEN)
    (welcome,) = sent_to(ANN)
    assert welcome.kind == "desk_participant"
    assert "My shop does not open" not in welcome.text + welcome.html


@pytest.mark.parametrize("field", ["Cc", "To"])
def test_who_has_a_mail_directly_gets_no_copy_of_it_and_others_do(desk, client, field):
    desk.open_ticket(Cc=f"{ANN}, {BOB}", **PROVEN)
    mail = answer(sent_to(CUSTOMER)[0], body="One more thing")
    reply_to = sent_to(CUSTOMER)[0].headers["Reply-To"]
    ann = ANN.upper()
    if field == "To":
        mail = mail.replace(f"To: {reply_to}".encode(), f"To: {reply_to}, {ann}".encode())
    else:
        mail = f"Cc: {ann}\r\n".encode() + mail
    row = desk.receive(mail)
    assert kinds(ANN) == ["desk_participant"]
    assert kinds(BOB) == ["desk_participant", "desk_note"]
    client.force_login(desk.agent)
    issue = row.note.issue
    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid]))
    assert f"Sent directly to {ANN} by its writer" in page.content.decode()
    # and the next word of the team goes to both
    services.create_note(item=issue, author=desk.agent, body="Thanks")
    assert [kinds(address)[-1] for address in (ANN, BOB)] == ["desk_note"] * 2


def test_who_joins_by_cc_of_an_answer_is_welcomed_and_has_the_answer(desk):
    desk.open_ticket(**PROVEN)
    desk.receive(answer(sent_to(CUSTOMER)[0], body="With Ann", Cc=ANN))
    assert kinds(ANN) == ["desk_participant"]


def test_header_fields_of_an_unproven_mail_keep_nobody_from_anything(desk):
    """Who is named in Cc by a forger need not have got it."""
    issue = desk.open_ticket(Message_ID="<first@customer.example>", Cc=ANN, **PROVEN)
    desk.write(CUSTOMER, In_Reply_To="<first@customer.example>", Cc=ANN, body="Forged")
    assert Note.objects.count() == 1
    assert DirectCopy.objects.count() == 0
    services.create_note(item=issue, author=desk.agent, body="Who is that?")
    assert kinds(ANN) == ["desk_participant", "desk_note"]


def test_a_reopening_sends_the_agent_one_mail_that_says_so(desk):
    issue = desk.open_ticket(f"Max <{CUSTOMER}>", **PROVEN)
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    services.close_item(item=issue, actor=desk.agent)
    before = len(sent_to(desk.agent.email))
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Still broken"))
    issue.refresh_from_db()
    assert issue.state == State.OPENED
    (mail,) = sent_to(desk.agent.email)[before:]
    text = as_received(mail).get_body(("plain",)).get_content()
    assert text.startswith("Max (customer) wrote, and it is open again:\n")
    assert "Still broken" in text
    bodies = issue.notes.order_by("pk").values_list("body", "internal")
    assert list(bodies)[-2:] == [("Still broken", False), ("reopened this", False)]


def test_an_answer_on_an_open_ticket_says_nothing_of_that(desk):
    issue = desk.open_ticket()
    sent()
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="And one more"))
    (mail,) = [row for row in sent() if row.recipient == desk.agent.email]
    assert "open again" not in mail.text
