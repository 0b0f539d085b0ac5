"""A notification is answered in a mail program: the answer is a note in the same discussion."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from incoming_email.models import InboundEmail, InboxMethod, Mailbox
from incoming_email.pipeline import fetching
from incoming_email.smtp import listener as smtp
from incoming_email.tasks import process_inbound_email
from issues import services
from issues.models import Note, OutgoingEmail, Role
from tests.factories import IssueFactory, MembershipFactory, MergeRequestFactory, ProjectFactory
from tests.journeys.mail_programs import (
    connected_mail_programs,
    ids_in,
    new_mail,
    recipient_of,
    send,
    wire,
)
from tests.servers.dovecot import free_ports, password_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def programs(settings):
    with connected_mail_programs(settings) as programs:
        yield programs


@pytest.fixture
def team():
    """Ann opens issues, Bob answers."""
    project = ProjectFactory(path="acme/shop")
    ann, bob = (
        MembershipFactory(project=project, user__username=name, role=Role.DEVELOPER).user
        for name in ("ann", "bob")
    )
    return SimpleNamespace(project=project, ann=ann, bob=bob)


@contextmanager
def smtp_listener(address):
    """Gives the way a mail takes: through the listener, then to a worker."""
    Mailbox.objects.create(
        name="listener", enabled=True, address=address, inbox_method=InboxMethod.SMTP
    )
    (port,) = free_ports(1)

    def deliver(mail):
        send(port, mail)
        row = InboundEmail.objects.latest("pk")
        assert (row.status, row.recipient) == ("pending", recipient_of(mail))
        process_inbound_email(inbound_email_id=row.pk)

    listener = smtp.start_listener("127.0.0.1", port)
    try:
        yield deliver
    finally:
        listener.stop()


@contextmanager
def imap_mailbox(address, request):
    """Gives the way a mail takes: by LMTP into Dovecot, from where it is fetched."""
    dovecot, user = request.getfixturevalue("dovecot"), request.getfixturevalue("imap_user")
    name, _, domain = user.partition("@")
    mailbox = Mailbox.objects.create(
        name="imap",
        enabled=True,
        address=address.replace("incoming", name).replace("letterbox.localhost", domain),
        host="127.0.0.1",
        port=dovecot.port,
        user=user,
        password=password_of(user),
    )

    def deliver(mail):
        dovecot.deliver(user, wire(mail), recipient=recipient_of(mail))
        assert fetching.fetch(mailbox, holder="test") == 1

    yield deliver


@pytest.fixture(params=["smtp", pytest.param("imap", marks=pytest.mark.services)])
def open_way(request):
    if request.param == "smtp":
        return smtp_listener
    return lambda address: imap_mailbox(address, request)


SUB_ADDRESS = "incoming+%{key}@letterbox.localhost"
DEDICATED = "incoming@letterbox.localhost"
# An address without a key is found again by the References alone.


@pytest.mark.parametrize("address", [SUB_ADDRESS, DEDICATED], ids=["sub-address", "dedicated"])
@pytest.mark.parametrize("make_item", [IssueFactory, MergeRequestFactory])
def test_a_conversation_by_mail(programs, team, open_way, make_item, address):
    ann, bob = team.ann, team.bob
    item = make_item(project=team.project, author=ann)
    with open_way(address) as deliver:
        first = services.create_note(item=item, author=bob, body="Which browser is it?")
        assert programs.collect() == ["ann@example.com"]
        question = programs.last(ann)
        assert "Which browser is it?" in question.get_body(("plain",)).get_content()

        deliver(programs.answer(ann, question, "It is the blue one."))

        answer = Note.objects.latest("pk")
        assert (answer.body, answer.author, answer.item) == ("It is the blue one.", ann, item)
        assert answer.discussion == first.discussion
        assert programs.collect() == ["bob@example.com"]
        heard = programs.last(bob)
        assert heard["Subject"] == question["Subject"]
        assert "Which browser" not in heard.get_body(("plain",)).get_content()

        deliver(programs.answer(bob, heard, "Then I know what it is."))

        assert Note.objects.latest("pk").discussion == first.discussion
        assert programs.collect() == ["ann@example.com"]

    last = programs.last(ann)
    sent = programs.folder(ann)[1]
    assert last["In-Reply-To"] == question["Message-ID"]
    assert {question["Message-ID"], sent["Message-ID"]} <= set(ids_in(last, "References"))
    assert [note.body for note in item.notes.order_by("pk")] == [
        "Which browser is it?",
        "It is the blue one.",
        "Then I know what it is.",
    ]
    assert set(InboundEmail.objects.values_list("status", "handler")) == {("processed", "note")}
    assert set(OutgoingEmail.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_each_discussion_is_answered_in_its_own(programs, team, open_way):
    issue = IssueFactory(project=team.project, author=team.ann)
    with open_way(SUB_ADDRESS) as deliver:
        notes = [
            services.create_note(item=issue, author=team.bob, body=body)
            for body in ("One?", "Two?")
        ]
        programs.collect()
        one, two = programs.folder(team.ann)[:2]

        deliver(programs.answer(team.ann, two, "To the second."))
        deliver(programs.answer(team.ann, one, "To the first."))

    found = dict(Note.objects.filter(author=team.ann).values_list("body", "discussion"))
    assert found == {"To the second.": notes[1].discussion, "To the first.": notes[0].discussion}


def test_the_same_answer_twice_is_one_note(programs, team, open_way):
    issue = IssueFactory(project=team.project, author=team.ann)
    with open_way(SUB_ADDRESS) as deliver:
        services.create_note(item=issue, author=team.bob, body="Well?")
        programs.collect()
        answer = programs.answer(team.ann, programs.last(team.ann), "Yes.")

        deliver(answer)
        deliver(answer)

    assert Note.objects.filter(body="Yes.").count() == 1
    rows = InboundEmail.objects.order_by("pk").values_list("status", "reason")
    assert list(rows) == [("processed", ""), ("ignored", "duplicate")]
    assert programs.collect() == ["bob@example.com"]


def test_a_notification_that_comes_back_makes_nothing(programs, team, open_way):
    """A forwarding loop: our own mail, sent on to where its answers go."""
    issue = IssueFactory(project=team.project, author=team.ann)
    with open_way(SUB_ADDRESS) as deliver:
        services.create_note(item=issue, author=team.bob, body="Well?")
        programs.collect()
        notification = programs.last(team.ann)
        reply_to = notification["Reply-To"]
        notification.replace_header("To", str(reply_to))

        deliver(notification)

    assert Note.objects.count() == 1
    assert InboundEmail.objects.get().status == "ignored"
    assert programs.collect() == []


def test_mail_to_the_unsubscribe_address_ends_the_notifications(programs, team, open_way):
    issue = IssueFactory(project=team.project, author=team.ann)
    with open_way(SUB_ADDRESS) as deliver:
        services.create_note(item=issue, author=team.bob, body="Well?")
        programs.collect()
        ways = str(programs.last(team.ann)["List-Unsubscribe"])
        address = ways.partition("<mailto:")[2].rstrip(">")

        deliver(new_mail(team.ann, to=address, subject="unsubscribe", text=""))

        services.create_note(item=issue, author=team.bob, body="Nobody there?")
        assert programs.collect() == []
    assert InboundEmail.objects.get().handler == "unsubscribe"
