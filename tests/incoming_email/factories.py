"""Rows of incoming email for tests: one factory a model, each of them whole by itself."""

import hashlib

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from incoming_email.models import (
    InboundEmail,
    Mailbox,
    MessageContent,
    ReplyKey,
    SenderToken,
    SeriesPart,
    new_key,
)
from incoming_email.secrets import credentials
from tests.factories import IssueFactory, ProjectFactory, UserFactory

RAW = (
    b"From: Ada <ada@example.com>\r\n"
    b"To: incoming@example.com\r\n"
    b"Subject: The door squeaks\r\n"
    b"Message-ID: <door-1@example.com>\r\n"
    b"\r\n"
    b"It squeaks when opened.\r\n"
)


class MailboxFactory(DjangoModelFactory[Mailbox]):
    """An enabled IMAP mailbox with a key in its address; its server does not exist."""

    class Meta:
        model = Mailbox

    name = factory.Sequence(lambda n: f"mailbox {n}")
    enabled = True
    address = factory.Sequence(lambda n: f"incoming{n}+%{{key}}@example.com")
    host = "imap.example.com"
    user = "incoming@example.com"
    password = "imap-secret-of-no-value"


class MessageContentFactory(DjangoModelFactory[MessageContent]):
    """The bytes of a message to which no row refers yet."""

    class Meta:
        model = MessageContent

    raw = factory.Sequence(lambda n: RAW + b"%d" % n)
    digest = factory.LazyAttribute(lambda content: hashlib.sha256(content.raw).hexdigest())


class InboundEmailFactory(DjangoModelFactory[InboundEmail]):
    """A pending row that nobody has looked at. Other ends need the fields their checks ask for."""

    class Meta:
        model = InboundEmail

    mailbox = factory.SubFactory(MailboxFactory)
    source_id = factory.Sequence(lambda n: f"0badcafe:1:{n}")
    raw = RAW
    digest = factory.LazyAttribute(lambda row: hashlib.sha256(row.raw).hexdigest())
    received_at = factory.LazyFunction(timezone.now)
    next_attempt_at = factory.SelfAttribute("received_at")


class ReplyKeyFactory(DjangoModelFactory[ReplyKey]):
    """Lets one person answer about one issue."""

    class Meta:
        model = ReplyKey

    recipient = factory.SubFactory(UserFactory)
    issue = factory.SubFactory(IssueFactory)


class SenderTokenFactory(DjangoModelFactory[SenderToken]):
    class Meta:
        model = SenderToken

    user = factory.SubFactory(UserFactory)
    token = factory.LazyFunction(new_key)
    digest = factory.LazyAttribute(lambda row: credentials.digest(row.token))
    changed_at = factory.LazyFunction(timezone.now)


class SeriesPartFactory(DjangoModelFactory[SeriesPart]):
    """The first of two patches that were sent by mail."""

    class Meta:
        model = SeriesPart

    project = factory.SubFactory(ProjectFactory)
    author = factory.SubFactory(UserFactory)
    revision = 1
    number = 1
    total = 2
    title = "Oil the hinge"
    content = b"From: Ada <ada@example.com>"
    received_at = factory.LazyFunction(timezone.now)
