"""A customer who is erased leaves every ticket."""

import pytest
from django.utils import timezone

from incoming_email.upkeep import erasing
from issues import services
from issues.models import ExternalPerson, Note, OutgoingEmail
from servicedesk.bot import find_bot
from servicedesk.joining import add_people, remove_people
from servicedesk.models import CustomEmail, Participant, Ticket
from tests.dumping import dump
from tests.factories import IssueFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.test_tickets import delivery_report
from tests.servicedesk.world import PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
CLEO, BOB = "cleo@example.org", "bob@example.com"
NOW = timezone.now()
LOOK_ALIKES = ("mike@kiosk.example", "m\u0131ke@k\u0131osk.example")
"""A database may fold the dotless i of the second to an i."""


def test_customer_leaves_every_ticket_and_others_stay():
    issue = IssueFactory(author=None, external_author="Cleo@Example.org")
    ticket = Ticket.objects.create(issue=issue, requester="Cleo@Example.org")
    for address in ("Cleo@Example.org", "bob@example.org"):
        Participant.objects.create(ticket=ticket, address=address, joined_at=NOW)
    person = erasing.find_person("cleo@example.org")
    counts = dict(erasing.erase(person, by=None, now=NOW, dry_run=True).counts)
    assert Participant.objects.count() == 2
    assert dict(erasing.erase(person, by=None, now=NOW).counts) == counts
    assert counts == {"servicedesk": 2, "issues by address": 1}
    ticket.refresh_from_db()
    assert ticket.requester == ""
    assert Participant.objects.get().address == "bob@example.org"


@pytest.mark.parametrize(("erased", "other"), [LOOK_ALIKES, LOOK_ALIKES[::-1]])
def test_who_looks_alike_stays(erased, other):
    ticket = Ticket.objects.create(
        issue=IssueFactory(author=None, external_author=other), requester=other
    )
    for address in (erased, other):
        Participant.objects.create(ticket=ticket, address=address, joined_at=NOW)
    counts = dict(erasing.erase(erasing.find_person(erased), by=None, now=NOW).counts)
    assert counts == {"servicedesk": 1}
    assert Participant.objects.get().address == other


def test_no_table_holds_the_address_after_a_whole_life_of_a_ticket(settings):
    settings.DESK_MAILS_PER_HOUR = 8
    desk = make_desk(add_cc=True, form_senders=f"forms@example.com\n{CLEO}")
    issue = desk.open_ticket(BOB)
    add_people(issue=issue, actor=desk.agent, addresses=["Cleo@Example.org"], now=NOW)
    remove_people(issue=issue, actor=desk.agent, addresses=[CLEO])
    own = desk.open_ticket(CLEO, subject="Help")
    (thank_you,) = sent_to(CLEO)[-1:]
    desk.receive(answer(thank_you, body=f"More. Write to {CLEO}.\n\n> {CLEO} wrote:\n> > Help"))
    for number in range(10):  # the last ones are held back
        services.create_note(item=own, author=desk.agent, body=f"Answer {number}")
    sent()
    report = delivery_report(thank_you.envelope_sender)
    about_her = f"Final-Recipient: rfc822; {CLEO}\r\nAction:".encode()
    bounced = desk.receive(report.replace(b"Action:", about_her), thank_you.envelope_sender)
    assert CLEO.encode() in bytes(bounced.raw)
    CustomEmail.objects.create(
        desk=desk.settings,
        address="support@example.com",
        host="smtp.example.com",
        state="failed",
        fault="smtp_host",
        fault_detail=f"550 <{CLEO}> is not welcome",
    )
    Participant.objects.filter(address=BOB).update(bounce_reason=f"550 like {CLEO}")
    bot = find_bot(desk.project)
    services.create_note(item=issue, author=bot, body=f"{CLEO} wrote by mail.", internal=True)
    before = dump()
    assert CLEO in before
    person = erasing.find_person(CLEO)
    counts = dict(erasing.erase(person, by=None, now=NOW).counts)
    assert CLEO not in dump()
    assert BOB in dump()
    assert counts["system notes"] == 2
    bodies = set(Note.objects.filter(system=True).values_list("body", flat=True))
    assert "added removed person to the ticket" in bodies
    assert Note.objects.get(body__startswith="More.").body.startswith(
        "More. Write to removed person."
    )
    assert erasing.erase(person, by=None, now=NOW).counts == ()


def test_what_a_customer_wrote_of_another_stays():
    desk = make_desk()
    issue = desk.open_ticket(BOB, body=f"Ask {CLEO} about it")
    desk.receive(make_mail(to=desk.address, sender=BOB, subject="Again", body=f"And {CLEO}"))
    erasing.erase(erasing.find_person(CLEO), by=None, now=NOW)
    issue.refresh_from_db()
    assert issue.description == f"Ask {CLEO} about it"


def test_the_name_that_a_customer_gave_goes_with_them():
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(f"Cleo Queen <{CLEO}>", Cc=BOB, **PROVEN)
    other = desk.open_ticket("Cleo Queen <other@example.org>", **PROVEN)
    services.subscribe(item=issue, user=desk.agent)
    desk.receive(answer(sent_to(CLEO)[0], body="It is me"))
    sent()
    OutgoingEmail.objects.filter(recipient=desk.agent.email).update(state="sent", sent_at=NOW)
    names = [row.from_header for row in sent() if "Queen" in row.from_header]
    assert len(names) == 3  # two to the agent, sent, and one to Bob, not sent yet
    erasing.erase(erasing.find_person(CLEO), by=None, now=NOW)
    assert not [row for row in sent() if "Queen" in f"{row.from_header}{row.text}{row.html}"]
    assert sent_to(BOB)[-1].from_header == f"<{desk.address}>"
    assert ExternalPerson.objects.get().address == other.external_author
