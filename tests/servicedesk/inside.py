"""A ticket with an internal note on it, the people around it, and all that leaves the house."""

from django.core import mail
from django.urls import reverse
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail
from incoming_email.pipeline import processing, receiving
from issues import outbox, services
from issues.models import Issue, Note, Role, User, Visibility
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import as_received, make_desk, sent, sent_to

SECRET = "s3cret fool"


class Ticket:
    """A customer's ticket that an agent wrote an internal note on; the boss, a guest and somebody
    copied in by the customer hear of the ticket too."""

    def __init__(self, client):
        project = ProjectFactory(visibility=Visibility.INTERNAL)
        self.desk = make_desk(project=project, confidential=False, add_cc=True)
        self.client = client
        self.agent = self.desk.agent
        self.boss = MembershipFactory(project=project, role=Role.REPORTER).user
        self.guest = MembershipFactory(project=project, role=Role.GUEST).user
        self.issue: Issue = self.desk.open_ticket(Cc="ann@customer.example")
        for person in (self.boss, self.guest):
            services.subscribe(user=person, item=self.issue)
        self.url = reverse("issue-detail", args=[project.path, self.issue.iid])
        client.force_login(self.agent)
        client.post(self.url, {"body": f"He is a {SECRET}.", "internal": "on"})
        self.note = Note.objects.get(system=False)
        self.notification = sent_to(self.boss.email)[-1]

    def issue_address(self, user: User) -> str:
        address = sender_tokens.new_issue_address(
            user=user, project=self.issue.project, now=timezone.now()
        )
        return address.replace("-issue@", f"-issue-{self.issue.iid}@")

    def receive_all(self, *contents: bytes) -> list[InboundEmail]:
        """As one batch."""
        messages = [RawMessage(f"batch:{n}", content) for n, content in enumerate(contents)]
        rows = receiving.store(self.desk.mailbox, messages, now=timezone.now(), claimed=True)
        processing.process_claimed(rows, clock=timezone.now)
        for row in rows:
            row.refresh_from_db()
        return rows


def delivered():
    """All that has left the house: recipient, and everything in the message."""
    sent()
    outbox.deliver_due(now=timezone.now())
    return [(message.to[0], message.message().as_string()) for message in mail.outbox]


def assert_nothing_left(ticket, *words):
    """Nobody but the agent and the boss got any of the words, in whatever part of a mail."""
    team = {ticket.agent.email, ticket.boss.email}
    texts = [as_received(row).as_string() for row in sent() if row.recipient not in team]
    texts += [text for recipient, text in delivered() if recipient not in team]
    assert texts, "the customer's thank-you at least"
    for word in (SECRET, *words):
        assert not any(word in text for text in texts)


def newest():
    return Note.objects.filter(system=False).latest("pk")


def answer_elsewhere(ticket, to, body=f"Yes, he is a {SECRET}.", **fields):
    """The boss answers the notification of the internal note, but at this address."""
    told = as_received(ticket.notification)
    thread = {
        "In-Reply-To": told["Message-ID"],
        "References": f"{told['References']} {told['Message-ID']}",
    }
    given = {"sender": ticket.boss.email} | thread | fields
    content = make_mail(to=to, body=body, **given)
    return ticket.desk.receive(content)
