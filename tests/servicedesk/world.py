"""A desk, the people around it, and mail between them: the words of the desk's tests."""

import email
import email.policy
from dataclasses import dataclass

from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline import processing, receiving
from issues.models import Announcement, Issue, OutgoingEmail, Project, Role, User
from issues.notifications import fan_out_owed
from issues.outbox.messages import build_message
from servicedesk.models import ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail, make_smtp_mailbox

CUSTOMER = "carl@customer.example"
TRUSTED = "mx.letterbox.localhost"
PROVEN = {"Authentication_Results": f"{TRUSTED}; dmarc=pass"}
"""Of a mail whose From the desk's mail server has confirmed."""

_numbers = iter(range(1, 10**9))


@dataclass(frozen=True)
class Desk:
    mailbox: Mailbox
    settings: ServiceDesk
    agent: User

    @property
    def project(self) -> Project:
        return self.settings.project

    @property
    def address(self) -> str:
        domain = self.mailbox.address.rpartition("@")[2]
        return f"incoming+{self.project.slug}-{self.project.pk}-issue-@{domain}"

    def receive(self, content: bytes, recipient: str = "") -> InboundEmail:
        message = RawMessage(f"desk:{next(_numbers)}", content, recipient=recipient)
        (row,) = receiving.store(self.mailbox, [message], now=timezone.now(), claimed=True)
        processing.process_claimed([row], clock=timezone.now)
        row.refresh_from_db()
        return row

    def write(self, sender: str = CUSTOMER, **fields: str) -> InboundEmail:
        """A mail of a customer to the desk's address."""
        given = {"to": self.address, "sender": sender, "subject": "It is broken"} | fields
        return self.receive(make_mail(**given))

    def open_ticket(self, sender: str = CUSTOMER, **fields: str) -> Issue:
        row = self.write(sender, **fields)
        assert row.issue is not None, (row.status, row.reason, row.last_error)
        return row.issue


def make_desk(**settings: object) -> Desk:
    """With a `mailbox` that is there, or one of its own."""
    project = settings.pop("project", None) or ProjectFactory()
    mailbox = settings.pop("mailbox", None) or make_smtp_mailbox(trusted_authserv_id=TRUSTED)
    given = {"enabled": True} | settings
    desk = ServiceDesk.objects.create(project=project, **given)
    agent = MembershipFactory(project=project, role=Role.DEVELOPER).user
    return Desk(mailbox, desk, agent)


def sent() -> list[OutgoingEmail]:
    """Fan out what is owed; every mail so far, oldest first."""
    if Announcement.objects.filter(fanned_out_at=None).exists():
        fan_out_owed(now=timezone.now())
    return list(OutgoingEmail.objects.order_by("pk"))


def sent_to(address: str) -> list[OutgoingEmail]:
    return [row for row in sent() if row.recipient == address]


def as_received(row: OutgoingEmail) -> "email.message.EmailMessage":
    """What the person's mail program shows."""
    return email.message_from_bytes(
        build_message(row).message().as_bytes(), policy=email.policy.default
    )


def answer(row: OutgoingEmail, *, body: str, sender: str = "", **fields: str) -> bytes:
    """The person presses "Reply"."""
    references = f"{row.headers.get('References', '')} <{row.message_id}>".strip()
    return make_mail(
        to=row.headers["Reply-To"],
        sender=sender or row.recipient,
        subject=row.subject,
        body=body,
        In_Reply_To=f"<{row.message_id}>",
        References=references,
        **fields,
    )
