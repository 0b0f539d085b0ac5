"""A desk with its agents for a week: real mail in by the listener and out by SMTP, and a clock."""

import email.policy
import random
import re
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline.processing import process
from incoming_email.pipeline.reviewing import release
from incoming_email.smtp import listener as smtp
from issues import services
from issues.models import Issue, Role, State, User
from issues.notifications import fan_out_owed
from servicedesk.models import ServiceDesk
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.journeys.desk_week.words import Journal, Person, Said, Thread, words_in
from tests.journeys.mail_programs import MailPrograms, connected_mail_programs, ids_in, wire
from tests.servers.dovecot import free_ports
from tests.servicedesk.world import PROVEN, TRUSTED

OUR_DOMAIN = "letterbox.localhost"
AGENTS = {"mona": Role.MAINTAINER, "dora": Role.DEVELOPER, "rita": Role.REPORTER}
REPORT = (
    "From: Mail Delivery System <MAILER-DAEMON@{domain}>\r\nSubject: Undelivered\r\n"
    "Message-ID: <report.{number}@{domain}>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {domain}\r\n\r\n"
    "Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
)


@dataclass
class Clock:
    """Real time, moved on by what the week has passed."""

    ahead: timedelta = timedelta()
    _now = staticmethod(timezone.now)

    def now(self) -> datetime:
        return self._now() + self.ahead

    def pass_by(self, **length: float) -> None:
        self.ahead += timedelta(**length)


@dataclass
class Office:
    desk: ServiceDesk
    agents: dict[str, User]
    programs: MailPrograms
    clock: Clock
    port: int
    dice: random.Random
    journal: Journal = field(default_factory=Journal)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**6)))

    @property
    def address(self) -> str:
        return f"incoming+acme-shop-{self.desk.project.pk}-issue-@{OUR_DOMAIN}"

    # What customers do

    def ask(
        self, person: Person, subject: str, *, cc: Sequence[Person] = (), **fields: str
    ) -> Thread:
        """A mail of its own to the desk's address."""
        people = {person.email, *(p.email for p in cc)}
        thread = Thread(person, subject, people)
        self.journal.threads.append(thread)
        said = self.journal.say(thread, person.email, question=True)
        mail = self.compose(person, thread, said, to=self.address, cc=cc, **fields)
        row = self.send(person, thread, mail, said)
        if row is not None and row.issue_id is not None:
            thread.issue_id = row.issue_id
        return thread

    def answer(
        self,
        person: Person,
        thread: Thread,
        *,
        cc: Sequence[Person] = (),
        question: bool = True,
        seen_by: Person | None = None,
        **fields: str,
    ) -> Said:
        """By the reply button, to the last mail of it that they have: ours, or one of theirs; or
        that somebody else has and has forwarded."""
        said = self.journal.say(thread, person.email, question=question)
        last = self.last_mail(seen_by or person, thread)
        to = str(last["Reply-To"] or self.address)
        mail = self.compose(person, thread, said, to=to, cc=cc, **fields)
        mail["In-Reply-To"] = last["Message-ID"]
        mail["References"] = " ".join([*ids_in(last, "References"), str(last["Message-ID"])])
        self.send(person, thread, mail, said)
        return said

    def last_mail(self, person: Person, thread: Thread) -> EmailMessage:
        words = {said.word for said in thread.said}
        folder = self.programs.folder_of(person.email)
        ours = (m for m in reversed(folder) if words & words_in(_plain(m)))
        return next(ours, None) or thread.sent[0]

    def compose(
        self,
        person: Person,
        thread: Thread,
        said: Said,
        *,
        to: str,
        cc: Sequence[Person] = (),
        text: str = "Please help.",
        subject: str = "",
        **fields: str,
    ) -> EmailMessage:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = person.mailbox, to
        if cc:
            mail["Cc"] = ", ".join(p.mailbox for p in cc)
        mail["Subject"] = subject or (f"Re: {thread.subject}" if thread.sent else thread.subject)
        mail["Message-ID"] = f"<{next(self.numbers)}@{person.email.partition('@')[2]}>"
        mail["Date"] = self.clock.now()
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(f"{text} {said.word}.\n")
        thread.sent.append(mail)
        return mail

    def send(
        self, person: Person, thread: Thread, mail: EmailMessage, said: Said
    ) -> InboundEmail | None:
        """To everybody it names; None where our listener refuses it."""
        row = None
        for _name, address in getaddresses([str(mail[n]) for n in ("To", "Cc") if mail[n]]):
            if not address.endswith(f"@{OUR_DOMAIN}"):
                self.programs.folder_of(address).append(mail)
                continue
            try:
                row = self.deliver(wire(mail), person.email, address, is_proven=person.is_proven)
            except smtplib.SMTPRecipientsRefused:
                said.is_refused = True
        return row

    def deliver(
        self, content: bytes, sender: str, recipient: str, *, is_proven: bool
    ) -> InboundEmail:
        """Through the listener to a worker; the row."""
        self.clock.pass_by(minutes=self.dice.randint(1, 4))
        if is_proven:
            content = f"Authentication-Results: {PROVEN['Authentication_Results']}\r\n".encode() + (
                content
            )
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.sendmail(sender, [recipient], content)
        row = InboundEmail.objects.latest("pk")
        process(row.pk, clock=self.clock.now)
        row.refresh_from_db()
        return row

    def leave(self, person: Person, thread: Thread) -> None:
        """By the link in the last mail of ours that has one."""
        for message in reversed(self.programs.folder_of(person.email)):
            link = re.search(r"/tickets/leave/[^/\s>\"]+/", str(message["List-Unsubscribe"]))
            if link and {said.word for said in thread.said} & words_in(_plain(message)):
                assert Client().post(link[0]).status_code == 200
                thread.people.discard(person.email)
                return

    def bounce(self, person: Person, thread: Thread) -> None:
        """Their server takes our last mail back."""
        words = {said.word for said in thread.said}
        for message in reversed(self.programs.folder_of(person.email)):
            sender = self.programs.envelope_senders.get(str(message["Message-ID"]))
            if sender and words & words_in(_plain(message)):
                domain = person.email.partition("@")[2]
                report = REPORT.format(
                    domain=domain, number=next(self.numbers), address=person.email
                )
                self.deliver(report.encode(), "", sender, is_proven=False)
                return

    def allow_past(self, thread: Thread, address: str) -> None:
        """Whom the team adds reads what was public."""
        for said in thread.said:
            if not said.is_internal:
                said.readers.add(address)

    def settle(self) -> None:
        """All mail that is due goes out."""
        while fan_out_owed(now=self.clock.now()):
            pass
        self.programs.collect()

    # What agents do

    def issue(self, thread: Thread) -> Issue | None:
        return Issue.objects.filter(pk=thread.issue_id).first()

    def comment(self, thread: Thread, *, internal: bool = False, text: str = "We look.") -> None:
        """On the ticket's page."""
        issue = self.issue(thread)
        if issue is None:
            return
        agent = self.agents[self.dice.choice(["mona", "dora"])]
        said = self.journal.say(thread, agent.username, internal=internal)
        client = Client()
        client.force_login(agent)
        fields = {"body": f"{text} {said.word}."} | ({"internal": "on"} if internal else {})
        page = reverse("issue-detail", args=[issue.project.path, issue.iid])
        assert client.post(page, fields).status_code == 302
        self.clock.pass_by(minutes=self.dice.randint(1, 4))

    def comment_by_mail(self, thread: Thread) -> None:
        """By the reply button, where the agent was told; else on the page."""
        agent = self.agents["dora"]
        words = {said.word for said in thread.said}
        folder = self.programs.folder_of(agent.email)
        last = next((m for m in reversed(folder) if words & words_in(_plain(m))), None)
        if last is None or self.issue(thread) is None:
            self.comment(thread)
            return
        said = self.journal.say(thread, agent.username)
        answer = EmailMessage(policy=email.policy.SMTP)
        answer["From"], answer["To"] = f"Dora <{agent.email}>", str(last["Reply-To"])
        answer["Subject"] = f"Re: {last['Subject']}"
        answer["Message-ID"] = f"<{next(self.numbers)}@example.com>"
        answer["In-Reply-To"] = str(last["Message-ID"])
        quoted = "".join(f"> {line}\n" for line in _plain(last).splitlines())
        answer.set_content(f"We have it. {said.word}.\n\nOn Monday, Shop wrote:\n\n{quoted}")
        recipient = parseaddr(str(answer["To"]))[1]
        row = self.deliver(wire(answer), agent.email, recipient, is_proven=True)
        assert row.status == Status.PROCESSED, (row.status, row.reason)

    def close(self, thread: Thread) -> None:
        issue = self.issue(thread)
        if issue is not None and issue.state == State.OPENED:
            services.close_item(item=issue, actor=self.agents["mona"])

    def _accept(self, words: set[str]) -> None:
        """All who take part read them now; whoever wrote them does not take part by that."""
        for thread in self.journal.threads:
            for said in thread.said:
                if said.word in words:
                    said.readers |= thread.people
                    said.is_question = said.is_question and said.author in thread.people

    def look_at_held(self) -> None:
        """A maintainer releases half of what is held, as the comment of who wrote it."""
        for row in InboundEmail.objects.filter(status=Status.HELD).order_by("pk"):
            if self.dice.random() < 0.5:
                continue
            self._accept(words_in(bytes(row.raw).decode(errors="replace")))
            release([row.pk], now=self.clock.now())
            process(row.pk, clock=self.clock.now)


def _plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()) if body else ""


@contextmanager
def open_office(
    settings: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, seed: int
) -> Iterator[Office]:
    """With a desk that assigns each ticket to Dora and lets people in Cc take part."""
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    settings.TRUSTED_RELAY_NETWORKS = ["127.0.0.1"]
    settings.ALLOWED_HOSTS = ["testserver"]
    make_smtp_mailbox()
    Mailbox.objects.update(trusted_authserv_id=TRUSTED)
    project = ProjectFactory(path="acme/shop", visibility="private")
    agents = {
        name: MembershipFactory(project=project, role=role, user__username=name).user
        for name, role in AGENTS.items()
    }
    desk = ServiceDesk.objects.create(
        project=project, enabled=True, add_cc=True, template="/assign @dora"
    )
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)
    try:
        with connected_mail_programs(settings) as programs:
            yield Office(desk, agents, programs, clock, port, random.Random(seed))
    finally:
        listener.stop()
