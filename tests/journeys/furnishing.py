"""An installation in which every page has something to show."""

from dataclasses import dataclass

from django.utils import timezone

from incoming_email import demo
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from issues.models import Issue, OutgoingEmail, User
from issues.notifications import fan_out_owed
from servicedesk.models import Participant, ServiceDesk
from tests.clones import Clone
from tests.factories import UserFactory
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.beating import record_all_workers
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import World, make_mail
from tests.issues.proposals import propose
from tests.servicedesk.world import Desk

CUSTOMER = "carl@customer.example"
LONG = "averyveryverylongnamewithoutanyblank" * 4
NEWSLETTER = """From: Ada <ada@example.com>
To: incoming@letterbox.localhost
Subject: News of the doors
Message-ID: <news@example.com>
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<h1 style="color:#0b6">Doors</h1><p>They <b>squeak</b>.
<a href="https://shop.example/">Buy oil</a></p>
<img src="https://shop.example/pixel.png" alt="A door"><table border=1><tr><td>1<td>2</table>
"""


@dataclass(frozen=True)
class Installation:
    admin: User
    maintainer: User
    issue: Issue
    ticket: Issue
    rows: dict[str, InboundEmail]
    participant: Participant


def furnish(folder) -> Installation:
    """Of the demo project; what comes by mail comes by mail."""
    now = timezone.now()
    seeded = demo.seed(now=now)
    record_all_workers(now=now)
    MailboxFactory(name="Imap", failing_since=now, last_error="[AUTHENTICATIONFAILED] No.")
    issue = Issue.objects.get(iid=1)
    member = User.objects.get(username="dana")
    world = World(seeded.mailbox, issue, member)
    rows = _receive(world)
    desk = Desk(seeded.mailbox, ServiceDesk.objects.get(), member)
    ticket = desk.open_ticket(CUSTOMER, subject="The door squeaks", body="Since Monday.")
    clone = Clone(seeded.project, folder / "clone")
    clone.write("cart.py", b"def add(cart, item):\n    return [item, *cart]\n")
    clone.commit("Add in front\n\nThe newest counts.")
    propose(clone, seeded.project, member)
    fan_out_owed(now=now)
    OutgoingEmail.objects.update(last_error=f"550 {LONG}")
    return Installation(
        admin=User.objects.get(username="admin"),
        maintainer=User.objects.get(username="mona"),
        issue=issue,
        ticket=ticket,
        rows=rows,
        participant=Participant.objects.get(ticket__issue=ticket),
    )


def _receive(world: World) -> dict[str, InboundEmail]:
    to, nowhere = world.reply_address(), "incoming+nowhere@mail.letterbox.localhost"
    sender = world.member.email
    reply = make_mail(to=f"list@example.com, {to}", sender=sender, Message_ID="<1@example.com>")
    return {
        "processed": world.receive(reply),
        "duplicate": world.receive(reply),
        "rejected": world.receive(make_mail(to=nowhere, sender=sender, subject=LONG)),
        "automatic": world.receive(make_mail(to=to, sender=sender, Auto_Submitted="auto-replied")),
        "held": world.receive(make_mail(to=to, sender=UserFactory().email)),
        "html": world.receive(NEWSLETTER.encode()),
        "failed": ended(Status.FAILED, mailbox=world.mailbox, last_error=f"ValueError: {LONG}"),
    }
