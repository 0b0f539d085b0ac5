"""Customers and an agent at a desk, by a real listener, real outgoing SMTP and the pages: who takes
part, who is called what, and who gets what how often."""

import smtplib
from dataclasses import dataclass
from email.utils import parseaddr

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import InboundEmail
from incoming_email.smtp import listener as smtp
from incoming_email.tasks import process_inbound_email
from issues.models import Issue, Note, Role, State
from issues.notifications import fan_out_owed
from servicedesk.models import ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.journeys.mail_programs import connected_mail_programs, ids_in, new_mail, wire
from tests.servers.dovecot import free_ports
from tests.servicedesk.world import TRUSTED

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Customer:
    username: str

    @property
    def email(self):
        return f"{self.username.lower()}@customer.example"


CARL, ANN = Customer("Carl"), Customer("Ann")


@pytest.fixture
def programs(settings):
    with connected_mail_programs(settings) as programs:
        yield programs


@pytest.fixture
def post(settings, programs):
    """A mail, proven by the server before the listener; what it caused goes out."""
    make_smtp_mailbox(trusted_authserv_id=TRUSTED)
    settings.TRUSTED_RELAY_NETWORKS = ["127.0.0.1"]
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)

    def post(mail, recipient, result="pass"):
        mail["Authentication-Results"] = f"{TRUSTED}; dmarc={result}"
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail(parseaddr(str(mail["From"]))[1], [recipient], wire(mail))
        row = InboundEmail.objects.latest("pk")
        process_inbound_email(inbound_email_id=row.pk)
        collect(programs)
        row.refresh_from_db()
        return row

    yield post
    listener.stop()


def collect(programs):
    fan_out_owed(now=timezone.now())
    programs.collect()


def answer(person, message, text, *, to, cc=""):
    mail = new_mail(person, to=to, subject=f"Re: {message['Subject']}", text=text)
    if cc:
        mail["Cc"] = cc
    mail["In-Reply-To"] = message["Message-ID"]
    mail["References"] = " ".join([*ids_in(message, "References"), message["Message-ID"]])
    return mail


def name_of(message):
    return parseaddr(str(message["From"]))[0]


def test_a_desk_and_its_people(client, programs, post):
    project = ProjectFactory(path="acme/shop")
    desk = ServiceDesk.objects.create(
        project=project, enabled=True, add_cc=True, template="/assign @eve"
    )
    eve = MembershipFactory(project=project, user__username="eve", role=Role.DEVELOPER).user
    desk_address = f"incoming+acme-shop-{desk.project.pk}-issue-@letterbox.localhost"
    folder = programs.folder

    # Carl writes, with Ann and Eve in Cc; Eve is a member, and no participant by that.
    first = new_mail(CARL, to=desk_address, subject="The shop is down", text="It fails.")
    first["Cc"] = f"{ANN.email}, {eve.email}"
    post(first, desk_address)
    issue = Issue.objects.get()
    people = issue.ticket.participants.order_by("pk")
    assert [person.address for person in people] == [CARL.email, ANN.email]
    assert [len(folder(person)) for person in (CARL, ANN)] == [1, 1]
    assert {name_of(message) for message in folder(eve)} == {"Carl (customer)", "Support bot"}

    # Carl answers the thank-you at its From, by a program that does not heed Reply-To.
    (thanks,) = folder(CARL)
    assert parseaddr(str(thanks["From"])) == (desk.name, desk_address)
    row = post(answer(CARL, thanks, "Since Monday.", to=desk_address), desk_address)
    assert row.note.issue == issue
    (_welcome, copy) = folder(ANN)
    assert (name_of(copy), CARL.email in copy.as_string()) == ("Carl (customer)", False)

    # Eve answers Carl's own mail, to all: her own words, and the desk's mail to both.
    mail = answer(eve, first, "We are on it.", to=CARL.email, cc=f"{desk_address}, {ANN.email}")
    row = post(mail, desk_address)
    assert (row.note.author, row.note.external_author) == (eve, "")
    assert [name_of(folder(person)[-1]) for person in (CARL, ANN)] == ["eve", "eve"]

    # Ann answers that to Carl, with the desk's key in Cc: he has it from her, and not twice.
    before = len(folder(CARL))
    key = parseaddr(str(folder(ANN)[-1]["Reply-To"]))[1]
    row = post(answer(ANN, folder(ANN)[-1], "Thanks!", to=CARL.email, cc=key), key)
    assert row.note.external_author == ANN.email
    assert len(folder(CARL)) == before
    assert name_of(folder(eve)[-1]) == "Ann (customer)"

    # On the page: names, addresses, and no way to make Eve a participant.
    client.force_login(eve)
    page = reverse("issue-detail", args=[project.path, issue.iid])
    html = client.get(page).content.decode()
    for person in (CARL, ANN):
        assert f"<bdi>{person.username} (customer)</bdi></strong> · {person.email}" in html
    assert f"Sent directly to {CARL.email} by its writer" in html
    add = reverse("participant-add", args=[project.path, issue.iid])
    refused = client.post(add, {"addresses": eve.email}, follow=True).content.decode()
    assert "a member of the project has this address" in refused

    # Eve closes it; Carl's answer opens it again, and she gets one mail, which says so.
    client.post(page, {"body": "Done.\n\n/close"})
    collect(programs)
    before = len(folder(eve))
    key = parseaddr(str(folder(CARL)[-1]["Reply-To"]))[1]
    post(answer(CARL, folder(CARL)[-1], "It is down again.", to=key), key)
    issue.refresh_from_db()
    assert issue.state == State.OPENED
    (mail,) = folder(eve)[before:]
    text = mail.get_body(("plain",)).get_content()
    assert text.startswith("Carl (customer) wrote, and it is open again:")

    # What somebody else sends in Eve's name is held.
    forged = answer(eve, first, "/close", to=desk_address)
    row = post(forged, desk_address, result="fail")
    assert (row.status, row.reason) == ("held", "member_unproven")
    assert Note.objects.filter(system=False).count() == 5
