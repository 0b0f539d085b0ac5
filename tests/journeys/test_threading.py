"""Mail programs show what belongs together as one conversation, and nothing else in it."""

import pytest
from django.utils import timezone

from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail
from incoming_email.smtp import listener as smtp
from incoming_email.tasks import process_inbound_email
from issues import services
from issues.models import Issue, Role
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.journeys.mail_programs import (
    connected_mail_programs,
    ids_in,
    new_mail,
    send,
    threads,
)
from tests.servers.dovecot import free_ports

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def programs(settings):
    with connected_mail_programs(settings) as programs:
        yield programs


@pytest.fixture(autouse=True)
def mailbox():
    return make_smtp_mailbox()


@pytest.fixture
def deliver(mailbox):
    """Mail goes through the SMTP listener to a worker."""
    (port,) = free_ports(1)
    listener = smtp.start_listener("127.0.0.1", port)

    def deliver(mail):
        send(port, mail)
        row = InboundEmail.objects.latest("pk")
        process_inbound_email(inbound_email_id=row.pk)
        row.refresh_from_db()
        assert row.status == "processed", row.trace

    yield deliver
    listener.stop()


@pytest.fixture
def project():
    return ProjectFactory(path="acme/shop")


@pytest.fixture
def people(project):
    return [
        MembershipFactory(project=project, user__username=name, role=Role.DEVELOPER).user
        for name in ("ann", "bob", "cid")
    ]


def open_item(kind, project, author, title="The cart is slow"):
    if kind == "issue":
        return services.create_issue(
            project=project, author=author, title=title, description="@bob @cid look"
        )
    return services.create_merge_request(
        project=project,
        author=author,
        title=title,
        description="@bob @cid look",
        source_branch="fast",
        target_branch="main",
    )


def said_base(message):
    return str(message["Subject"]).removeprefix("Re: ")


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("issue", "The cart is slow (#1)"), ("merge request", "The cart is slow (!1)")],
)
def test_everybody_sees_one_conversation(programs, deliver, project, people, kind, subject):
    ann, bob, cid = people
    item = open_item(kind, project, ann)
    assert programs.collect() == ["bob@example.com", "cid@example.com"]
    deliver(programs.answer(bob, programs.last(bob), "I look into it."))
    assert programs.collect() == ["ann@example.com", "cid@example.com"]
    deliver(programs.answer(ann, programs.last(ann), "Thanks."))
    assert programs.collect() == ["bob@example.com", "cid@example.com"]
    services.create_note(item=item, author=cid, body="A second discussion.")
    assert programs.collect() == ["ann@example.com", "bob@example.com"]
    deliver(programs.answer(ann, programs.last(ann), "And an answer in it."))
    assert programs.collect() == ["bob@example.com", "cid@example.com"]

    for person, count in ((ann, 4), (bob, 5), (cid, 4)):
        messages = programs.folder(person)
        ids = [message["Message-ID"] for message in messages]
        assert threads(messages) == [ids], person
        assert len(ids) == len(set(ids)) == count
        # Gmail parts what has different subjects.
        assert {said_base(message) for message in messages} == {subject}


def test_who_got_the_first_mail_has_the_parent_of_every_other(programs, deliver, project, people):
    ann, bob, cid = people
    item = open_item("issue", project, ann)
    programs.collect()
    note = services.create_note(item=item, author=ann, body="More of it.")
    programs.collect()
    services.create_note(item=item, author=bob, body="I see.", discussion=note.discussion)
    programs.collect()
    services.create_note(item=item, author=bob, body="Another thing.")
    programs.collect()

    first, more, answer, other = programs.folder(cid)
    parents = [message["In-Reply-To"] for message in (first, more, answer, other)]
    assert parents == [
        None,
        first["Message-ID"],
        more["Message-ID"],
        first["Message-ID"],
    ]
    assert ids_in(answer, "References")[-2:] == [first["Message-ID"], more["Message-ID"]]


def test_the_author_of_a_mailed_issue_sees_it_below_their_own_mail(
    programs, deliver, project, people
):
    ann, bob, _cid = people
    address = sender_tokens.new_issue_address(user=ann, project=project, now=timezone.now())
    mail = new_mail(ann, to=address, subject="The cart is slow", text="On phones.")
    programs.folder(ann).append(mail)
    deliver(mail)
    assert programs.collect() == []
    services.create_note(item=Issue.objects.get(), author=bob, body="Which phone?")
    assert programs.collect() == ["ann@example.com"]

    assert mail["Message-ID"] in ids_in(programs.last(ann), "References")
    assert len(threads(programs.folder(ann))) == 1


def test_two_issues_of_the_same_name_are_two_conversations(programs, deliver, project, people):
    ann, bob, _cid = people
    for item in [open_item("issue", project, ann) for _ in range(2)]:
        services.create_note(item=item, author=ann, body="More of it.")
    programs.collect()
    deliver(programs.answer(bob, programs.folder(bob)[0], "I see."))
    services.create_note(item=Issue.objects.get(iid=2), author=ann, body="Still more.")
    programs.collect()

    subjects = {message["Message-ID"]: said_base(message) for message in programs.folder(bob)}
    found = threads(programs.folder(bob))
    assert sorted(len(thread) for thread in found) == [3, 3]
    assert [{subjects[name] for name in thread} for thread in found] == [
        {"The cart is slow (#1)"},
        {"The cart is slow (#2)"},
    ]


def test_ids_of_one_person_are_not_those_of_another(programs, project, people):
    """A Message-ID proves having had the mail, so nobody's may be guessed from one's own."""
    item = open_item("issue", project, people[0])
    services.create_note(item=item, author=people[0], body="More of it.")
    programs.collect()
    had = [
        {word for m in programs.folder(p) for word in ids_in(m, "Message-ID", "References")}
        for p in people[1:]
    ]
    assert len(had[0]) == len(had[1]) == 4  # two mails, and the reply key of each discussion
    assert had[0].isdisjoint(had[1])
