"""Mail that may be a machine's: what a person sends to the bounce address, and out-of-office mail
that only its subject gives away."""

import pytest

from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.mime.automatic import has_automatic_subject
from issues import services
from issues.models import Issue, Note
from servicedesk.models import Ticket
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)

AUTOMATIC = [
    "Automatic reply: It is broken",
    "Out of Office",
    "Out of office until Monday",
    "OOO: Re: It is broken",
    "Abwesenheitsnotiz: It is broken",
    "Automatische Antwort: It is broken",
    "Réponse automatique : It is broken",
    "Absence du bureau",
    "Respuesta automática: It is broken",
    "Fuera de la oficina hasta el 5 de mayo",
    "Risposta automatica: It is broken",
    "자동 회신: It is broken",
    "[부재중] Re: It is broken",
    "自動応答",
]
PERSONAL = [
    "Out of office hours support",
    "Re: Out of office",
    "Vacation rental is broken",
    "Automatic reply is not sent",
    "Absent students list",
    "부재중 전화 기능이 안 됩니다",
    "Abwesenheitsassistent einrichten",
    "Fuera de la oficina no funciona",
]


@pytest.fixture
def desk():
    return make_desk(add_cc=True)


@pytest.fixture
def ticket(desk):
    return desk.open_ticket(Cc="ann@customer.example")


def answer_to_bounce(row, **fields):
    fields = {"sender": row.recipient, "body": "It works now, thanks!"} | fields
    return make_mail(to=row.envelope_sender, **fields)


def test_what_a_person_sends_to_the_bounce_address_is_a_reply(desk, ticket):
    services.close_item(item=ticket, actor=desk.agent)
    mail = sent_to(CUSTOMER)[0]
    assert "-bounce@" in mail.envelope_sender
    row = desk.receive(answer_to_bounce(mail))
    assert (row.handler, row.note.body) == ("ticket_bounce_reply", "It works now, thanks!")
    assert row.note.external_author == CUSTOMER
    assert Issue.objects.get(pk=ticket.pk).state == "opened"


def test_the_rules_of_replies_hold_there_too(desk, ticket):
    mail = sent_to(CUSTOMER)[0]
    row = desk.receive(answer_to_bounce(mail, sender="eve@evil.example"))
    assert (row.status, row.reason) == (Status.HELD, Reason.SENDER_MISMATCH)
    reply = answer_to_bounce(mail, Message_ID="<twice@customer.example>")
    assert desk.receive(reply).note is not None
    again = answer(mail, body="It works now", Message_ID="<twice@customer.example>")
    assert desk.receive(again).reason == Reason.DUPLICATE


@pytest.mark.parametrize("fields", [{"Return_Path": "<>"}, {"sender": "MAILER-DAEMON@mx.example"}])
def test_what_a_server_may_have_written_there_is_no_reply(desk, ticket, fields):
    row = desk.receive(answer_to_bounce(sent_to(CUSTOMER)[0], **fields))
    assert row.outcome == f"report without a failure on issue {ticket}"
    assert not Note.objects.filter(system=False).exists()


@pytest.mark.parametrize("subject", AUTOMATIC)
def test_it_is_known_by_the_subject_alone(subject):
    assert has_automatic_subject(subject)


@pytest.mark.parametrize("subject", PERSONAL)
def test_a_subject_of_a_person_is_none(subject):
    assert not has_automatic_subject(subject)


def test_the_team_reads_it_and_nobody_outside_gets_it(desk, ticket):
    services.close_item(item=ticket, actor=desk.agent)
    Ticket.objects.update(waiting_since=None)
    before = len(sent_to("ann@customer.example"))
    mail = sent_to(CUSTOMER)[0]
    row = desk.receive(
        answer(mail, body="I am away.").replace(b"Subject: ", b"Subject: Out of office: ")
    )
    assert row.note.body.endswith("I am away.")
    assert row.note.internal
    assert len(sent_to("ann@customer.example")) == before
    assert Issue.objects.get(pk=ticket.pk).state == "closed"
    assert Ticket.objects.get().waiting_since is None


def test_a_ticket_about_such_a_subject_is_answered_as_any(desk):
    issue = desk.open_ticket(subject="Out of office")
    row = desk.receive(
        make_mail(
            to=sent_to(CUSTOMER)[0].headers["Reply-To"],
            sender=CUSTOMER,
            subject="Out of office",
            body="It is still broken",
        )
    )
    assert (row.note.issue, row.note.internal) == (issue, False)


def test_who_is_past_the_limit_of_people_is_named_on_the_ticket(settings):
    settings.DESK_MAX_PARTICIPANTS, settings.DESK_MAX_PARTICIPANTS_A_CALL = 4, 3
    desk = make_desk(add_cc=True)
    issue = desk.open_ticket(Cc="a@x.example, b@x.example, c@x.example")
    notes = issue.notes.filter(system=True).order_by("pk")
    assert [note.body for note in notes] == [
        "did not add c@x.example to the ticket, as at most 4 people can take part in it and 3 join"
        " at once"
    ]
    mail = sent_to(CUSTOMER)[0]
    desk.receive(answer(mail, body="Also", Cc="d@x.example, e@x.example, a@x.example"))
    assert [note.body.split(" to ")[0] for note in notes.all()[1:]] == ["did not add e@x.example"]
    desk.receive(answer(mail, body="Again", Cc="a@x.example"))
    assert notes.all().count() == 2
