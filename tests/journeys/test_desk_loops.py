"""Robots, lists and another Letterbox on the other side of a desk: each loop stops by itself."""

import base64
import email
import email.policy
import json
import smtplib
from email.utils import parseaddr

import pytest

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.smtp import listener as smtp
from incoming_email.tasks import process_inbound_email
from issues import services
from issues.models import Issue, Note, OutgoingEmail, Role
from servicedesk.models import ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.journeys.installation import Installation
from tests.journeys.mail_programs import (
    connected_mail_programs,
    ids_in,
    new_mail,
    recipient_of,
    wire,
)
from tests.journeys.test_service_desk import Person
from tests.servers.dovecot import free_ports
from tests.servicedesk.world import PROVEN, TRUSTED

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 100
ROBOT, OTHER = Person("robot"), Person("other")


@pytest.fixture
def programs(settings):
    with connected_mail_programs(settings) as programs:
        yield programs


@pytest.fixture
def desk():
    return ServiceDesk.objects.create(
        project=ProjectFactory(path="acme/shop"), enabled=True, add_cc=True
    )


@pytest.fixture
def deliver(settings):
    """Through the SMTP listener to a worker, From proven by the server before it; the row."""
    make_smtp_mailbox()
    settings.TRUSTED_RELAY_NETWORKS = ["127.0.0.1"]
    Mailbox.objects.update(trusted_authserv_id=TRUSTED)
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)

    def deliver(mail, recipient=""):
        mail["Authentication-Results"] = PROVEN["Authentication_Results"]
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            sender = parseaddr(str(mail["From"]))[1]
            client.sendmail(sender, [recipient or recipient_of(mail)], wire(mail))
        row = InboundEmail.objects.latest("pk")
        process_inbound_email(inbound_email_id=row.pk)
        row.refresh_from_db()
        return row

    yield deliver
    listener.stop()


def address_of(desk):
    return f"incoming+acme-shop-{desk.project.pk}-issue-@letterbox.localhost"


def run_until_quiet(programs, deliver, robots):
    """Whatever reaches a robot it answers, until no mail is on its way."""
    answered = dict.fromkeys(robots, 0)
    for _round in range(MANY):
        programs.collect()
        new = [(r, m) for r in robots for m in programs.folder(r)[answered[r] :]]
        if not new:
            return
        for robot, message in new:
            answered[robot] += 1
            deliver(robots[robot](robot, message))
    raise AssertionError("it goes on and on")


def notice_of_absence(robot, message):
    """To the address that answers go to, with the signs that RFC 3834 asks for."""
    notice = answer_rudely(robot, message)
    notice.replace_header("Subject", "Out of office")
    notice["Auto-Submitted"] = "auto-replied"
    return notice


def answer_rudely(robot, message):
    """Without any sign that it is a robot's."""
    mail = new_mail(
        robot,
        to=parseaddr(str(message["Reply-To"]))[1],
        subject=f"Re: {message['Subject']}",
        text="We got your mail.",
    )
    mail["In-Reply-To"] = message["Message-ID"]
    mail["References"] = " ".join([*ids_in(message, "References"), message["Message-ID"]])
    return mail


def test_a_robot_with_signs_is_not_answered(programs, deliver, desk):
    deliver(new_mail(ROBOT, to=address_of(desk), subject="Help", text="It fails"))
    run_until_quiet(programs, deliver, {ROBOT: notice_of_absence})
    assert len(programs.folder(ROBOT)) == 1
    assert (Issue.objects.count(), Note.objects.count()) == (1, 0)
    assert list(InboundEmail.objects.order_by("pk").values_list("reason", flat=True)) == [
        "",
        "automatic",
    ]


def test_a_robot_without_signs_writes_one_note(programs, deliver, desk):
    deliver(new_mail(ROBOT, to=address_of(desk), subject="Help", text="It fails"))
    run_until_quiet(programs, deliver, {ROBOT: answer_rudely})
    assert len(programs.folder(ROBOT)) == 1
    assert (Issue.objects.count(), Note.objects.count()) == (1, 1)


def test_a_robot_that_opens_a_ticket_each_time_is_thanked_so_often_and_no_more(
    programs, deliver, desk, settings
):
    """The other system's own ticket numbers make a new thread of every mail."""

    def open_another(robot, message):
        return new_mail(robot, to=address_of(desk), subject="Ticket opened", text="Thank you")

    settings.LOOP_LIMIT_PER_HOUR = 5
    deliver(open_another(ROBOT, None))
    run_until_quiet(programs, deliver, {ROBOT: open_another})
    assert len(programs.folder(ROBOT)) == 5
    assert Issue.objects.count() == 6  # the last one in silence
    assert OutgoingEmail.objects.count() == 5


def test_two_robots_in_one_ticket_fall_silent(programs, deliver, desk, settings):
    """Each answers what the desk sends on of the other."""
    settings.DESK_ECHO_LIMIT_PER_HOUR = 5
    first = new_mail(ROBOT, to=address_of(desk), subject="Help", text="It fails")
    first["Cc"] = OTHER.email
    deliver(first)
    run_until_quiet(programs, deliver, {ROBOT: answer_rudely, OTHER: answer_rudely})
    issue = Issue.objects.get()
    public = issue.notes.filter(internal=False).count()
    mails = OutgoingEmail.objects.count()
    assert (public, mails) == (7, 7)
    (note,) = issue.notes.filter(internal=True)
    assert "automatic replies" in note.body

    agent = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
    services.create_note(item=issue, author=agent, body="A person has looked.")
    assert programs.collect() == sorted([ROBOT.email, OTHER.email])


def test_a_list_that_the_desk_is_subscribed_to(programs, deliver, desk):
    """A member's mail makes a ticket; the answer goes to its author, never to the list."""
    author = Person("lena")
    mail = new_mail(author, to="team@lists.example", subject="[team] Help", text="It fails")
    add_signs_of_a_list(mail)
    row = deliver(mail, recipient=address_of(desk))
    assert (row.status, row.issue) == ("processed", Issue.objects.get())
    assert programs.collect() == []

    agent = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
    services.create_note(item=row.issue, author=agent, body="Try this.")
    assert programs.collect() == [author.email]

    ours = programs.last(author)  # sent on by the list, as if its address took part
    ours.replace_header("To", "team@lists.example")
    add_signs_of_a_list(ours)
    row = deliver(ours, recipient=address_of(desk))
    assert (row.status, row.reason) == ("ignored", "own_mail")
    assert programs.collect() == []


def add_signs_of_a_list(mail):
    mail["List-Id"] = "<team.lists.example>"
    mail["Precedence"] = "list"


class OtherLetterbox:
    """An installation of its own, for another host."""

    def __init__(self, folder):
        self._folder = folder
        self._installation = Installation(
            folder,
            LOG_LEVEL="WARNING",
            MESSAGE_ID_HOST="other.example",
            DEFAULT_FROM_EMAIL="Other <other@other.example>",
        )
        self._installation.manage("migrate", "--verbosity", "0")
        seeded = json.loads(self._installation.manage("seed_demo", "--json"))
        local, _at, _domain = seeded["service_desk"]["address"].rpartition("@")
        self.address = f"{local}@other.example"
        self._installation.ask(
            "Mailbox.objects.update(address='incoming+%{key}@other.example',"
            f" trusted_authserv_id='{TRUSTED}');"
            "from servicedesk.models import ServiceDesk; ServiceDesk.objects.update(add_cc=True)"
        )

    def receive(self, mail):
        """Its word on the mail."""
        path = self._folder / "mail.eml"
        path.write_bytes(wire(mail))
        words = ("receive_email", str(path), "--recipient", self.address, "--json")
        report = json.loads(self._installation.manage(*words))
        return report["status"], report["reason"] or ""

    def mails(self):
        """All that it has written so far, by whom it is for."""
        printed = self._installation.ask(
            "import base64; from issues.outbox.messages import build_message;"
            "[print(base64.b64encode(build_message(row).message().as_bytes()).decode())"
            " for row in OutgoingEmail.objects.order_by('pk')]"
        )
        mails = (
            email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
            for line in printed.split()
        )
        return {str(mail["To"]): mail for mail in mails}


@pytest.mark.slow
def test_two_letterboxes_do_not_answer_each_other(programs, deliver, desk, tmp_path):
    """One mail to both desks, each of which takes the other for a participant."""
    other, here = OtherLetterbox(tmp_path), address_of(desk)
    mail = new_mail(Person("carl"), to=here, subject="Help both", text="It fails")
    mail["Cc"] = other.address
    row = deliver(mail)
    assert other.receive(mail) == ("processed", "")

    assert programs.collect() == sorted(["carl@example.com", other.address])
    (our_welcome,) = programs.folder_of(other.address)
    assert other.receive(our_welcome) == ("ignored", "automatic")
    theirs = other.mails()
    assert sorted(theirs) == sorted(["carl@example.com", here])
    answered = deliver(theirs[here])
    assert (answered.status, answered.reason) == ("ignored", "automatic")

    agent = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
    services.create_note(item=row.issue, author=agent, body="Try this.")
    assert programs.collect() == sorted(["carl@example.com", other.address])
    assert other.receive(programs.folder_of(other.address)[-1]) == ("ignored", "automatic")
    assert len(other.mails()) == 2
    assert programs.collect() == []
    assert (Issue.objects.count(), OutgoingEmail.objects.count()) == (1, 4)
