"""Whom an agent copies into a reply to a notification takes part, or the agent is told why not."""

import pytest

from issues import services
from issues.models import Project, Role, Visibility
from servicedesk.models import Participant
from tests.factories import MembershipFactory
from tests.servicedesk.world import CUSTOMER, answer, as_received, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)

MAX = "max@partner.example"


@pytest.fixture
def desk():
    return make_desk()


@pytest.fixture
def ticket(desk):
    issue = desk.open_ticket(body="My shop is down")
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    return issue


def reply(desk, body="Max knows.", **fields):
    return desk.receive(answer(sent_to(desk.agent.email)[-1], body=body, **fields))


def addresses():
    return list(Participant.objects.order_by("pk").values_list("address", flat=True))


def told():
    return [row.text for row in sent() if row.kind == "quick_actions"]


def test_who_is_in_cc_takes_part_from_then_on(desk, ticket):
    row = reply(desk, Cc=f"Max Muster <{MAX}>", Message_ID="<from-agent@example.com>")
    assert addresses() == [CUSTOMER, MAX]
    assert Participant.objects.get(address=MAX).added_by == desk.agent
    (welcome,) = sent_to(MAX)
    assert welcome.kind == "desk_participant"
    assert "shop" not in welcome.text, "nothing of what was written before"
    assert "<from-agent@example.com>" in as_received(welcome)["References"]
    services.create_note(item=ticket, author=desk.agent, body="Now all of you")
    assert [mail.kind for mail in sent_to(MAX)] == ["desk_participant", "desk_note"]
    assert sent_to(CUSTOMER)[-2].text.startswith("Max knows.")
    assert (row.note.body, told()) == ("Max knows.", [])
    assert ticket.notes.filter(system=True, body=f"added {MAX} to the ticket").count() == 1


@pytest.mark.parametrize("header", ["agent", "member", "desk", "customer", "mailbox"])
def test_who_hears_of_it_anyway_and_we_ourselves_are_passed_over(desk, ticket, header):
    member = MembershipFactory(project=desk.project, role=Role.GUEST).user
    people = {
        "agent": desk.agent.email,
        "member": member.email.upper(),
        "desk": desk.address,
        "customer": CUSTOMER.upper(),
        "mailbox": desk.mailbox.address.replace("+%{key}", ""),
    }
    assert reply(desk, Cc=people[header]).note is not None
    assert (addresses(), told()) == ([CUSTOMER], [])


def test_past_a_limit_nobody_comes_in_and_the_agent_is_told(desk, ticket, settings):
    settings.DESK_MAX_PARTICIPANTS = 1
    assert reply(desk, Cc=MAX).note is not None
    assert addresses() == [CUSTOMER]
    (text,) = told()
    assert f"Cc: {MAX}" in text
    assert "A ticket takes at most 1 external participants. Remove somebody first." in text


def test_without_the_right_to_add_people_the_member_is_told(desk, ticket):
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    Project.objects.update(visibility=Visibility.PRIVATE)
    ticket.refresh_from_db()
    services.set_confidential(item=ticket, actor=desk.agent, confidential=False)
    services.subscribe(user=guest, item=ticket)
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Hello?"))
    row = desk.receive(answer(sent_to(guest.email)[-1], body="Ask Max", Cc=MAX))
    assert row.note is not None
    assert addresses() == [CUSTOMER]
    assert "Your role in the project does not include this." in told()[0]


@pytest.mark.parametrize("body", ["He is a fool.", "/lock"])
def test_an_answer_to_an_internal_note_brings_nobody_in(desk, ticket, body):
    boss = MembershipFactory(project=desk.project, role=Role.REPORTER).user
    services.create_note(item=ticket, author=boss, body="Look at him", internal=True)
    assert reply(desk, body, Cc=MAX).status == "processed"
    assert addresses() == [CUSTOMER]
    assert sent_to(MAX) == []
    assert "made no public comment" in told()[0]


@pytest.mark.parametrize(
    "fields", [{"Auto_Submitted": "auto-replied"}, {"List_Id": "<team.example.com>"}]
)
def test_neither_automatic_mail_nor_a_list_brings_anybody_in(desk, ticket, fields):
    reply(desk, Cc=MAX, **fields)
    assert (addresses(), told()) == ([CUSTOMER], [])


def test_on_an_issue_that_is_no_ticket_nothing_is_said(desk):
    issue = services.create_issue(project=desk.project, author=desk.agent, title="Ours")
    other = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
    services.assign(item=issue, actor=desk.agent, users=[other])
    services.create_note(item=issue, author=desk.agent, body="Look")
    row = desk.receive(answer(sent_to(other.email)[-1], body="Seen", Cc=MAX))
    assert row.note is not None
    assert (sent_to(MAX), told()) == ([], [])


def test_a_reply_to_us_alone_costs_no_query_for_it(desk, ticket, monkeypatch):
    def fail(*_args, **_kwargs):
        raise AssertionError

    monkeypatch.setattr("incoming_email.handlers.copied.find_own", fail)
    assert reply(desk).note is not None
