"""Through the listener, the pages and the outbox: an answer from another address is held and
accepted, who had left comes back by writing, and a desk that is off refuses at RCPT."""

import smtplib
from email.utils import parseaddr

import pytest
from django.urls import reverse

from incoming_email import tasks
from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.outcomes import Status
from incoming_email.smtp import listener as smtp
from issues.models import Issue, Role, State
from servicedesk.models import ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.journeys.mail_programs import connected_mail_programs
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db(transaction=True)

CARL, HOME = "carl@customer.example", "carl@home.example"


@pytest.fixture
def port():
    (port,) = free_ports(1)
    Mailbox.objects.create(
        name="listener",
        enabled=True,
        address="incoming+%{key}@letterbox.localhost",
        inbox_method=InboxMethod.SMTP,
        port=port,
    )
    controller = smtp.start_listener("127.0.0.1", port)
    yield port
    controller.stop()


@pytest.fixture
def programs(settings):
    with connected_mail_programs(settings) as programs:
        yield programs


@pytest.fixture
def desk(settings):
    project = ProjectFactory(path="acme/shop")
    return ServiceDesk.objects.create(
        project=project, enabled=True, reopen=False, template="/assign @eve"
    )


@pytest.fixture
def eve(desk, client):
    """The agent; she logs in, and hears of a ticket since it is hers."""
    membership = MembershipFactory(project=desk.project, user__username="eve", role=Role.REPORTER)
    client.force_login(membership.user)
    return membership.user


class Post:
    """Takes mail to the listener, as the sender's server does, and lets a worker do its work."""

    def __init__(self, port, programs):
        self.port, self.programs = port, programs

    def send(self, sender, to, **fields):
        content = make_mail(to=to, sender=sender, **fields)
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            client.sendmail(sender, [parseaddr(to)[1]], content)
        row = InboundEmail.objects.latest("pk")
        tasks.process_inbound_email(inbound_email_id=row.pk)
        row.refresh_from_db()
        self.programs.collect()
        return row

    def answer(self, sender, mail, body):
        """They press "Reply" at this mail."""
        ids = f"{mail['References'] or ''} {mail['Message-ID']}".strip()
        return self.send(
            sender,
            str(mail["Reply-To"]),
            subject="Re: it",
            body=body,
            In_Reply_To=str(mail["Message-ID"]),
            References=ids,
        )


def texts(folder):
    return [mail.get_body(("plain",)).get_content() for mail in folder]


def test_nobody_is_lost(port, programs, desk, eve, client):
    post = Post(port, programs)
    address = f"incoming+acme-shop-{desk.project.pk}-issue-@letterbox.localhost"
    post.send(CARL, address, subject="The door is stuck", body="It does not open.")
    issue = Issue.objects.get()
    page = reverse("issue-detail", args=["acme/shop", issue.iid])
    waiting = reverse("ticket-list", args=["acme/shop"]) + "?state=waiting"

    # He answers the thank-you from home: Eve reads of it in her mail, and accepts it on the page.
    (thanks,) = programs.folder_of(CARL)
    row = post.answer(HOME, thanks, "It is the lock.")
    assert row.status == Status.HELD
    (told,) = [text for text in texts(programs.folder(eve)) if HOME in text]
    assert "waits for review" in told
    assert page in told
    assert HOME in client.get(page).text
    held = reverse("ticket-held", args=["acme/shop", issue.iid, row.pk])
    assert "It is the lock." in client.get(held).text
    done = client.post(held, {"join": "1"}, follow=True)
    assert "It is the lock." in done.text
    programs.collect()
    assert len(programs.folder_of(HOME)) == 1

    # Her answer goes to both addresses. At home he leaves, by the link in the mail.
    client.post(page, {"body": "We send somebody."})
    programs.collect()
    for folder in map(programs.folder_of, (CARL, HOME)):
        assert "We send somebody." in texts(folder)[-1]
    assert "The door" not in client.get(waiting).text
    at_home = programs.folder_of(HOME)[-1]
    leave = str(at_home["List-Unsubscribe"]).partition("<http")[2].partition(">")[0]
    assert client.post(f"http{leave}", {"List-Unsubscribe": "One-Click"}).status_code == 200

    # The ticket is closed, and stays so: what he writes from there waits all the same.
    close = {"path": "acme/shop", "iid": issue.iid, "action": "close"}
    client.post(reverse("issue-action", kwargs=close))
    post.answer(HOME, at_home, "Nobody came.")
    issue.refresh_from_db()
    assert issue.state == State.CLOSED
    assert "The door" in client.get(waiting).text
    client.post(page, {"body": "Today!"})
    programs.collect()
    assert "Today!" in texts(programs.folder_of(HOME))[-1]
    assert "The door" not in client.get(waiting).text

    # Locked, it refuses his answer: he reads that, and so does Eve.
    client.post(page, {"body": "/lock"})
    post.answer(HOME, programs.folder_of(HOME)[-1], "Thank you.")
    assert "The discussion is locked" in texts(programs.folder_of(HOME))[-1]
    assert "was not added to this ticket" in texts(programs.folder(eve))[-1]

    # Off, the desk refuses as an address does that never was.
    ServiceDesk.objects.update(enabled=False)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        post.send(CARL, address, subject="Hello?")
    assert refused.value.recipients[address] == (550, b"5.1.1 No such recipient here")
