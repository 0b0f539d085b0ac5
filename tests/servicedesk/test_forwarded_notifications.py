"""A member forwards a notification, with an address of ours in Cc: that is no reply to it."""

import pytest
from django.utils import timezone

from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import services
from issues.models import Issue, Note, Role, Visibility
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, as_received, make_desk, sent, sent_to

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LAWYER = "Lara Lawyer <lara@law.example>"
BLOCK = """

---------- Forwarded message ---------
From: Shop <letterbox@letterbox.localhost>
Date: Mon, 23 Nov 2026 at 11:00
Subject: Re: Refund
To: Dana <dana@letterbox.localhost>

Mona wrote:
@dana can you look?
"""


class Ticket:
    """A customer's ticket, and what a member was notified of a public comment on it."""

    def __init__(self, *, confidential=False, visibility=Visibility.PRIVATE):
        project = ProjectFactory(visibility=visibility)
        self.desk = make_desk(project=project, confidential=confidential)
        self.member = MembershipFactory(project=project, role=Role.DEVELOPER).user
        self.issue = self.desk.open_ticket()
        services.subscribe(user=self.member, item=self.issue)
        services.create_note(item=self.issue, author=self.desk.agent, body="Can you look?")
        self.told = as_received(sent_to(self.member.email)[-1])

    def forward(self, to=LAWYER, subject=None, body=BLOCK, **fields):
        thread = f"{self.told['References']} {self.told['Message-ID']}"
        given = {"In-Reply-To": self.told["Message-ID"], "References": thread} | PROVEN | fields
        return make_mail(
            to=to,
            sender=self.member.email,
            subject=f"Fwd: {self.told['Subject']}" if subject is None else subject,
            body=f"I would rather not pay him.{body}",
            **given,
        )

    def texts_to_others(self):
        team = {self.member.email, self.desk.agent.email}
        return [row.text + row.subject for row in sent() if row.recipient not in team]


@pytest.fixture
def ticket(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Ticket()


def assert_no_note(ticket, words="rather not pay"):
    assert not Note.objects.filter(body__contains=words).exists()
    assert not any(words in text for text in ticket.texts_to_others())


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"subject": "Refund", "body": BLOCK},
        {"subject": "WG: Re: Refund", "body": ""},
        {
            "subject": "Refund",
            "body": "",
            "X-Forwarded-Message-Id": "<note-11@letterbox.localhost>",
        },
    ],
    ids=["Gmail", "block alone", "subject alone", "Thunderbird's field"],
)
@pytest.mark.parametrize("header", ["To", "Cc"])
def test_a_forward_to_the_desk_is_a_ticket_of_its_own(ticket, header, form):
    fields = {"to": ticket.desk.address} if header == "To" else {"Cc": ticket.desk.address}
    row = ticket.desk.receive(ticket.forward(**fields, **form))
    assert (row.status, row.handler) == (Status.PROCESSED, "ticket"), row.trace
    assert row.issue != ticket.issue
    assert_no_note(ticket)


def test_an_answer_to_what_was_written_about_a_forward_is_no_reply(ticket):
    """Lara has answered the member, and the desk is still in Cc."""
    told = ticket.told
    row = ticket.desk.receive(
        ticket.forward(
            subject="Re: Fwd: Refund",
            body="",
            Cc=ticket.desk.address,
            In_Reply_To="<1@law.example>",
            References=f"{told['References']} {told['Message-ID']} <2@b.example> <1@law.example>",
        )
    )
    assert row.handler == "ticket"
    assert_no_note(ticket)


def test_a_reply_with_the_desk_in_cc_is_still_a_reply(ticket):
    row = ticket.desk.receive(
        ticket.forward(subject="Re: Refund", body="", to="x@x.example", Cc=ticket.desk.address)
    )
    assert (row.handler, row.issue) == ("note", ticket.issue)


def test_a_forward_to_the_reply_address_is_meant_for_the_discussion(ticket):
    row = ticket.desk.receive(ticket.forward(Cc=ticket.told["Reply-To"]))
    assert (row.handler, row.issue) == ("note", ticket.issue)


def test_a_customers_forward_is_a_ticket_of_its_own(ticket):
    """What he writes to somebody else is not for all who take part."""
    mail = sent_to(CUSTOMER)[-1]
    content = answer(mail, body=f"Help me against them.{BLOCK}").replace(
        f"To: {mail.headers['Reply-To']}".encode(),
        f"To: a@b.example\r\nCc: {ticket.desk.address}".encode(),
    )
    row = ticket.desk.receive(content.replace(b"Subject: Re:", b"Subject: Fwd: Re:"))
    assert (row.status, row.handler) == (Status.PROCESSED, "ticket"), row.trace
    assert row.issue != ticket.issue


def test_without_a_key_in_the_address_a_forward_waits_for_a_person(ticket):
    dedicated = ticket.desk.mailbox
    dedicated.address = "replies@letterbox.localhost"
    dedicated.save()
    held = ticket.desk.receive(ticket.forward(Cc=dedicated.address))
    assert (held.status, held.reason) == (Status.HELD, Reason.NOT_A_REPLY), held.trace
    assert held.project == ticket.desk.project
    assert_no_note(ticket)
    reply = ticket.desk.receive(ticket.forward(to=dedicated.address, subject="Re: it", body=""))
    assert (reply.status, reply.issue) == (Status.PROCESSED, ticket.issue)
    reviewing.release([held.pk], now=timezone.now())
    processing.process(held.pk)
    held.refresh_from_db()
    assert held.note.item == ticket.issue


class TestOfAConfidentialIssue:
    @pytest.fixture
    def told_at_opening(self, ticket):
        """Told by the mail that the issue was opened with: no id of a note, and no key in it."""
        issue = services.create_issue(
            project=ticket.desk.project,
            author=ticket.desk.agent,
            title="Layoffs",
            description=f"@{ticket.member.username} read this",
            confidential=True,
        )
        told = as_received(sent_to(ticket.member.email)[-1])
        assert issue.title in told["Subject"]
        return told

    @pytest.mark.parametrize("ids", ["all", "Message-ID alone"])
    def test_elsewhere_it_waits_for_a_person(self, ticket, told_at_opening, ids):
        ticket.told = told_at_opening
        fields = {"References": ""} if ids == "Message-ID alone" else {}
        row = ticket.desk.receive(ticket.forward(Cc=ticket.desk.address, **fields))
        assert (row.status, row.reason) == (Status.HELD, Reason.CONFIDENTIAL_ANSWER), row.trace
        assert Issue.objects.count() == 2

    def test_where_tickets_are_confidential_it_is_one(self, ticket, told_at_opening):
        ticket.told = told_at_opening
        ticket.desk.settings.confidential = True
        ticket.desk.settings.save()
        row = ticket.desk.receive(ticket.forward(Cc=ticket.desk.address))
        assert row.handler == "ticket", row.trace
        assert row.issue.confidential

    def test_a_reply_is_a_comment_as_ever(self, ticket, told_at_opening):
        ticket.told = told_at_opening
        row = ticket.desk.receive(
            ticket.forward(to=told_at_opening["Reply-To"], subject="Re: Layoffs", body="")
        )
        assert (row.handler, row.issue.title) == ("note", "Layoffs"), row.trace
