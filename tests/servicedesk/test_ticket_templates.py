"""The desk's template on a new ticket, and whose ticket a forwarded mail is."""

import pytest

from incoming_email.models import SenderPolicy
from issues import services
from issues.models import Issue, Note, State
from servicedesk.models import Participant, ServiceDesk
from servicedesk.ticket_templates import read_template
from tests.factories import UserFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)

FORWARD = (
    "Can you help her?\r\n\r\n---------- Forwarded message ---------\r\n"
    "From: Ann Lee <ann@elsewhere.example>\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\n"
    "Subject: My order\r\nTo: <carl@customer.example>\r\n\r\nIt never came.\r\n"
)


def internal_notes():
    return list(Note.objects.filter(internal=True).values_list("body", flat=True))


def test_the_template_stands_below_the_customers_text_and_its_commands_are_done():
    desk = make_desk(template="**Checklist**\n\n/label ~new\n/assign @agent\n- [ ] asked")
    desk.agent.username = "agent"
    desk.agent.save()
    services.create_label(project=desk.project, name="new")
    issue = desk.open_ticket(body="My shop is down")
    assert issue.description == "My shop is down\n\n**Checklist**\n\n- [ ] asked"
    assert [label.name for label in issue.labels.all()] == ["new"]
    assert list(issue.assignees.all()) == [desk.agent]
    assert internal_notes() == []


def test_the_customers_own_commands_stay_text():
    desk = make_desk(template="/lock")
    issue = desk.open_ticket(body="/close\n/add_email eve@evil.example")
    assert issue.description == "/close\n/add_email eve@evil.example"
    assert (issue.state, issue.locked) == (State.OPENED, True)
    assert Participant.objects.count() == 1


def test_a_title_and_confidentiality_of_the_template_hold_from_the_start():
    desk = make_desk(template="/title A customer asks\n/confidential", confidential=False)
    issue = desk.open_ticket(**PROVEN)
    assert (issue.title, issue.confidential) == ("A customer asks", True)
    assert sent_to(CUSTOMER)[0].subject == "Re: A customer asks"


def test_what_the_bot_cannot_do_is_named_in_an_internal_note_and_the_ticket_stands():
    desk = make_desk(template="/label ~gone\n/lok\n/due tomorrow")
    issue = desk.open_ticket()
    (note,) = internal_notes()
    assert "- `/lok` There is no such quick action; is /lock meant?" in note
    assert "- `/label ~gone` The project has no label ~gone. Make it first." in note
    assert Note.objects.get(internal=True).author.username == "support-bot"
    assert Issue.objects.get(pk=issue.pk).due_date is not None
    assert all("gone" not in row.text for row in sent_to(CUSTOMER))


def test_a_template_can_add_people():
    desk = make_desk(template="/add_email sales@partner.example")
    desk.open_ticket()
    assert [row.kind for row in sent()] == ["desk_thank_you", "desk_participant"]


@pytest.mark.parametrize(
    ("body", "end"),
    [("```\ntrace", "```"), ("~~~~\ntrace", "~~~~"), ("```\n~~~~", "```"), ("```\n````", "")],
)
def test_a_code_block_that_the_customer_left_open_ends_before_the_template(body, end):
    template = read_template(ServiceDesk(template="Ours"))
    assert template.below(body) == "\n".join([body, *([end] if end else []), "", "Ours"])


def test_a_template_of_commands_only_leaves_the_text_alone():
    assert make_desk(template="/lock").open_ticket(body="Hi").description == "Hi"


def test_a_forward_is_the_forwarders_ticket_unless_the_desk_says_otherwise():
    issue = make_desk().open_ticket(body=FORWARD, subject="Fwd: My order")
    assert issue.ticket.requester == CUSTOMER


@pytest.mark.parametrize("add_cc", [False, True])
def test_the_person_inside_of_the_forward_becomes_the_requester(add_cc):
    desk = make_desk(take_forwarded=True, add_cc=add_cc)
    issue = desk.open_ticket(desk.agent.email, body=FORWARD, subject="Fwd: My order")
    assert issue.ticket.requester == issue.external_author == "ann@elsewhere.example"
    assert [p.address for p in issue.ticket.participants.all()] == ["ann@elsewhere.example"]
    assert [row.kind for row in sent_to("ann@elsewhere.example")] == ["desk_thank_you"]


def test_what_a_stranger_forwards_makes_nobody_else_the_requester():
    """Anybody can type "Forwarded message": the third person would get mail by a stranger's will,
    and the stranger would read the team's answers."""
    desk = make_desk(take_forwarded=True, add_cc=True)
    issue = desk.open_ticket(body=FORWARD, subject="Fwd: My order")
    assert issue.ticket.requester == CUSTOMER
    assert sent_to("ann@elsewhere.example") == []
    outsider = UserFactory()
    assert desk.open_ticket(outsider.email, body=FORWARD).ticket.requester == outsider.email


@pytest.mark.parametrize("result", ["pass", "fail"])
def test_a_member_who_forwards_is_proven_where_the_mailbox_asks_for_it(result):
    desk = make_desk(take_forwarded=True)
    desk.mailbox.reply_sender_policy = SenderPolicy.REQUIRE
    desk.mailbox.trusted_authserv_id = "mx.example.net"
    desk.mailbox.save()
    proof = f"mx.example.net; dmarc={result} header.from={desk.agent.email.partition('@')[2]}"
    row = desk.write(desk.agent.email, body=FORWARD, Authentication_Results=proof)
    if result == "pass":
        assert row.issue.ticket.requester == "ann@elsewhere.example"
    else:
        assert (row.status, row.reason) == ("held", "member_unproven")


def test_an_own_address_inside_of_a_forward_is_nobodys():
    desk = make_desk(take_forwarded=True)
    body = FORWARD.replace("ann@elsewhere.example", desk.address)
    issue = desk.open_ticket(desk.agent.email, body=body, subject="Fwd: x", **PROVEN)
    assert (issue.author, issue.ticket.requester) == (desk.agent, "")
