"""A link or key of one person that comes back in a mail is of no use to those who read it."""

import email
import re
from urllib.parse import quote, unquote

import pytest
from django.utils import timezone

from incoming_email.keys import sender_tokens
from incoming_email.models import ReplyKey, SenderToken
from incoming_email.outcomes import Status
from issues import services, uploads
from issues.models import Issue, Note, OutgoingEmail, Role, Upload, Visibility
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, as_received, make_desk, sent, sent_to

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TOKEN = re.compile(r"/(?:unsubscribe|tickets/leave|tickets/files)/([\w.:-]+)", re.ASCII)


def bare(text):
    """All that a person or a program would take away before using a link or a key."""
    for _ in range(3):
        text = unquote(text)
    return re.sub(r"[^\w.:@+/-]", "", text, flags=re.ASCII)


def find_secrets(row):
    """What a mail of ours holds that acts for its recipient."""
    text = row.text + row.html + str(row.headers) + row.envelope_sender
    keys = re.findall(r"(?<![0-9a-z])[0-9a-z]{25}(?![0-9a-z])", text)
    return {*TOKEN.findall(text), *keys}


class Ticket:
    def __init__(self):
        project = ProjectFactory(visibility=Visibility.PRIVATE)
        self.desk = make_desk(project=project, confidential=False)
        self.member = MembershipFactory(project=project, role=Role.DEVELOPER).user
        self.issue = self.desk.open_ticket()
        for person in (self.member, self.desk.agent):
            services.subscribe(user=person, item=self.issue)
        services.create_note(item=self.issue, author=self.desk.agent, body="Can you look?")
        self.told = as_received(sent_to(self.member.email)[-1])
        self.plain = self.told.get_body(["plain"]).get_content()
        self.html = self.told.get_body(["html"]).get_content()
        private = SenderToken.objects.values_list("token", flat=True)
        self.secrets = {secret for row in sent() for secret in find_secrets(row)}
        self.secrets |= {*private, *ReplyKey.objects.values_list("key", flat=True)}
        self.before = OutgoingEmail.objects.count()

    def reply(self, body, content_type="text/plain", **fields):
        given = {
            "In_Reply_To": self.told["Message-ID"],
            "References": f"{self.told['References']} {self.told['Message-ID']}",
            "MIME_Version": "1.0",
            "Content_Type": f"{content_type}; charset=utf-8",
        } | fields
        return make_mail(
            to=given.pop("to", self.told["Reply-To"]),
            sender=self.member.email,
            subject=given.pop("subject", "Re: it"),
            body=body,
            **given,
        )

    def receive(self, content):
        row = self.desk.receive(content)
        assert row.status == Status.PROCESSED, (row.reason, row.trace)
        assert_useless(self)
        return row


@pytest.fixture
def ticket(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    ticket = Ticket()
    assert any(":" in secret for secret in ticket.secrets)
    return ticket


def assert_useless(ticket):
    """In nothing that is stored for others, nor in any mail but that person's own."""
    texts = [
        text
        for model, names in (
            (Note, ("body", "quoted", "html")),
            (Issue, ("title", "description", "html")),
        )
        for row in model.objects.values_list(*names)
        for text in row
    ]
    for upload in Upload.objects.all():
        content = uploads.read_content(upload) or b""
        texts += [upload.filename, content.decode("latin-1")]
        parts = email.message_from_bytes(content).walk()
        texts += [(part.get_payload(decode=True) or b"").decode("latin-1") for part in parts]
    for row in sent()[ticket.before :]:
        others = bare(row.text + row.html + row.subject)
        assert not [secret for secret in ticket.secrets - own(row) if secret in others]
    for text in filter(None, texts):
        assert not [secret for secret in ticket.secrets if secret in bare(text)], text


def own(row):
    """Of the person who gets it: whatever earlier mails to them held, and this one."""
    theirs = [each for each in OutgoingEmail.objects.all() if each.recipient == row.recipient]
    return {secret for each in theirs for secret in find_secrets(each)}


def quoted(text, mark="> "):
    return "".join(f"{mark}{line}\n" for line in text.splitlines())


def wrapped(text):
    """As mail programs do: a break after a slash or a hyphen of what is too long."""
    return re.sub(r"(?<=[/-])(?=[\w:.-]{30})", " \n", text)


SAFE_LINK = "https://nam02.safelinks.protection.outlook.com/?url={}&amp;data=05%7C01"


@pytest.mark.parametrize(
    "write",
    [
        lambda plain: quoted(plain) + "\nBelow.",
        lambda plain: quoted(wrapped(plain)) + "\nBelow.",
        lambda plain: quoted(wrapped(plain), ">> ") + "\nBelow.",
        lambda plain: quoted(plain[:20]) + "\nYes.\n\n" + quoted(plain[20:]) + "\nNo.",
        lambda plain: f"Look:\n\n{plain}\nThat is what I got.",
        lambda plain: f"Look:\n\n{wrapped(plain)}\nThat is what I got.",
    ],
    ids=["below", "below, wrapped", "twice quoted", "between", "unquoted", "unquoted, wrapped"],
)
def test_a_plain_reply_below_or_between(ticket, write):
    ticket.receive(ticket.reply(write(ticket.plain)))


@pytest.mark.parametrize(
    "change",
    [
        lambda html: html,
        lambda html: re.sub(
            r'href="([^"]+)"', lambda m: f'href="{SAFE_LINK.format(quote(m[1], ""))}"', html
        ),
        lambda html: re.sub(r'href="([^"]+)"', r'href="\1">\1</a> <a href="\1"', html),
    ],
    ids=["as it is", "SafeLinks", "shown"],
)
@pytest.mark.parametrize(
    "around", ["<blockquote>{}</blockquote><p>No.</p>", "{}<p>That is all.</p>"]
)
def test_an_html_reply(ticket, around, change):
    ticket.receive(ticket.reply(around.format(change(ticket.html)), "text/html"))


def test_a_forward_with_our_header_fields(ticket):
    block = "---------- Forwarded message ---------\n" + "".join(
        f"{name}: {ticket.told[name]}\n"
        for name in ("From", "Date", "Subject", "To", "Reply-To", "List-Unsubscribe", "References")
    )
    row = ticket.receive(
        ticket.reply(
            f"For the desk.\n\n{block}\n{ticket.plain}",
            to=ticket.desk.address,
            subject="Fwd: it",
            **PROVEN,
        )
    )
    assert row.handler == "ticket"
    assert "For the desk." in row.issue.description


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_a_mail_of_ours_as_a_file(ticket, encoding):
    told = ticket.told
    for part in told.walk():
        if part.get_content_maintype() == "text":
            text = part.get_content()
            part.set_content(text, subtype=part.get_content_subtype(), cte=encoding)
    ticket.receive(
        ticket.reply(
            "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n"
            "--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment;"
            f" filename=told.eml\r\n\r\n{told.as_string()}\r\n--b--",
            "multipart/mixed; boundary=b",
        )
    )
    assert Upload.objects.count() == 1


def test_a_customers_answer(ticket):
    mail = sent_to(CUSTOMER)[-1]
    assert "/tickets/leave/" in mail.text
    ticket.receive(answer(mail, body=f"{quoted(wrapped(mail.text))}\nIt still fails."))
    assert "It still fails." in Note.objects.latest("pk").body


def test_private_addresses_in_a_text_and_a_subject(ticket):
    address = sender_tokens.new_issue_address(
        user=ticket.member, project=ticket.desk.project, now=timezone.now()
    )
    ticket.secrets |= set(SenderToken.objects.values_list("token", flat=True))
    ticket.receive(ticket.reply(f"Write to {address} or <mailto:{quote(address)}>."))
    row = ticket.receive(
        make_mail(to=address, sender=ticket.member.email, subject=f"Not {address}", body=address)
    )
    assert row.issue.title.startswith("Not incoming+")


def test_on_the_page_too(ticket):
    services.create_note(item=ticket.issue, author=ticket.member, body=quoted(ticket.plain))
    services.edit_item(item=ticket.issue, actor=ticket.member, description=ticket.plain)
    assert_useless(ticket)
