"""An answer to an internal note stays inside, by whatever way it comes: every mail that goes out
is looked at."""

from io import StringIO

import pytest
from django.core import mail
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, receiving
from issues import outbox, services
from issues.models import Issue, Note, Role, State, User, Visibility
from tests.factories import MembershipFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, answer, as_received, make_desk, sent, sent_to

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SECRET = "s3cret fool"


class Ticket:
    """A customer's ticket that an agent wrote an internal note on; the boss, a guest and somebody
    copied in by the customer hear of the ticket too."""

    def __init__(self, client):
        project = ProjectFactory(visibility=Visibility.INTERNAL)
        self.desk = make_desk(project=project, confidential=False, add_cc=True)
        self.client = client
        self.agent = self.desk.agent
        self.boss = MembershipFactory(project=project, role=Role.REPORTER).user
        self.guest = MembershipFactory(project=project, role=Role.GUEST).user
        self.issue: Issue = self.desk.open_ticket(Cc="ann@customer.example")
        for person in (self.boss, self.guest):
            services.subscribe(user=person, item=self.issue)
        self.url = reverse("issue-detail", args=[project.path, self.issue.iid])
        client.force_login(self.agent)
        client.post(self.url, {"body": f"He is a {SECRET}.", "internal": "on"})
        self.note = Note.objects.get(system=False)
        self.notification = sent_to(self.boss.email)[-1]

    def issue_address(self, user: User) -> str:
        address = sender_tokens.new_issue_address(
            user=user, project=self.issue.project, now=timezone.now()
        )
        return address.replace("-issue@", f"-issue-{self.issue.iid}@")

    def receive_all(self, *contents: bytes) -> list[InboundEmail]:
        """As one batch."""
        messages = [RawMessage(f"batch:{n}", content) for n, content in enumerate(contents)]
        rows = receiving.store(self.desk.mailbox, messages, now=timezone.now(), claimed=True)
        processing.process_claimed(rows, clock=timezone.now)
        for row in rows:
            row.refresh_from_db()
        return rows


@pytest.fixture
def ticket(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Ticket(client)


def delivered():
    """All that has left the house: recipient, and everything in the message."""
    sent()
    outbox.deliver_due(now=timezone.now())
    return [(message.to[0], message.message().as_string()) for message in mail.outbox]


def assert_nothing_left(ticket, *words):
    """Nobody but the agent and the boss got any of the words, in whatever part of a mail."""
    team = {ticket.agent.email, ticket.boss.email}
    texts = [as_received(row).as_string() for row in sent() if row.recipient not in team]
    texts += [text for recipient, text in delivered() if recipient not in team]
    assert texts, "the customer's thank-you at least"
    for word in (SECRET, *words):
        assert not any(word in text for text in texts)


def newest():
    return Note.objects.filter(system=False).latest("pk")


def test_by_mail(ticket):
    row = ticket.desk.receive(answer(ticket.notification, body="So he is, the idi0t."))
    note = newest()
    assert (row.status, row.note) == (Status.PROCESSED, note)
    assert (note.author, note.discussion) == (ticket.boss, ticket.note.discussion)
    assert note.internal
    assert_nothing_left(ticket, "idi0t")
    assert "idi0t" in sent_to(ticket.agent.email)[-1].text, "the team hears of it"
    ticket.issue.ticket.refresh_from_db()
    assert ticket.issue.ticket.waiting_since is not None, "the customer has no answer yet"


def test_by_the_command_line(ticket, tmp_path):
    file = tmp_path / "answer.eml"
    file.write_bytes(answer(ticket.notification, body="The idi0t."))
    call_command("receive_email", str(file), "--dry-run", stdout=StringIO())
    assert newest() == ticket.note
    call_command("receive_email", str(file), stdout=StringIO())
    assert newest().internal
    assert newest() != ticket.note
    assert_nothing_left(ticket, "idi0t")


def test_answers_to_answers(ticket):
    ticket.desk.receive(answer(ticket.notification, body="first idi0t"))
    ticket.desk.receive(answer(sent_to(ticket.agent.email)[-1], body="second idi0t"))
    assert list(Note.objects.filter(system=False).values_list("internal", flat=True)) == [True] * 3
    assert_nothing_left(ticket, "idi0t")


def test_files_of_the_answer(ticket, client):
    text = "--b\r\nContent-Type: text/plain\r\n\r\nidi0t, see the file.\r\n"
    file = '--b\r\nContent-Disposition: attachment; filename="idi0t.txt"\r\n\r\nhello\r\n--b--'
    content = answer(
        ticket.notification,
        body=text + file,
        MIME_Version="1.0",
        Content_Type="multipart/mixed; boundary=b",
    )
    ticket.desk.receive(content)
    upload = newest().uploads.get()
    assert newest().internal
    assert_nothing_left(ticket, "idi0t", upload.secret)
    address = reverse("upload", args=[upload.secret, upload.filename])
    client.force_login(ticket.guest)
    assert client.get(address).status_code == 404
    client.force_login(ticket.boss)
    assert b"".join(client.get(address).streaming_content) == b"hello"


def test_commands_only_change_the_ticket_without_a_word(ticket):
    row = ticket.desk.receive(answer(ticket.notification, body="/close\n/assign me"))
    ticket.issue.refresh_from_db()
    assert row.outcome == f"commands on issue {ticket.issue}"
    assert ticket.issue.state == State.CLOSED
    assert_nothing_left(ticket)
    assert [r.kind for r in sent() if r.recipient.endswith("@customer.example")] == [
        "desk_thank_you",
        "desk_participant",
    ]


def test_commands_and_words(ticket):
    ticket.desk.receive(answer(ticket.notification, body="The idi0t.\n\n/close\n/clsoe idi0t"))
    assert newest().internal
    assert Note.objects.get(system=True, body="closed this")
    assert_nothing_left(ticket, "idi0t")


@pytest.mark.parametrize("words", ["", "The idi0t.\n\n"])
@pytest.mark.parametrize("way", ["a reply", "the private address", "the page", "a new note"])
def test_a_title_given_inside_stays_inside(ticket, client, way, words):
    """The title is what the customer reads in the subject of the next mail."""
    other = services.create_issue(
        project=ticket.issue.project, author=ticket.agent, title="Other", confidential=True
    )
    text = f"{words}/title An idi0t\n/duplicate {other}\n/lock"
    if way == "a reply":
        ticket.desk.receive(answer(ticket.notification, body=text))
    elif way == "the private address":
        answer_elsewhere(ticket, ticket.issue_address(ticket.boss), text)
    else:
        inside = {"discussion": ticket.note.discussion} if way == "the page" else {"internal": "on"}
        page = client.post(ticket.url, {"body": text} | inside, follow=True)
        assert page.text.count("Use it outside of the internal note.") == 2
    if way in {"a reply", "the private address"}:
        (told,) = [row.text for row in sent() if row.kind == "quick_actions"]
        assert told.count("Use it outside of the internal note.") == 2
    client.post(ticket.url, {"body": "We look into it."})
    ticket.issue.refresh_from_db()
    assert (ticket.issue.title, ticket.issue.locked) == ("It is broken", True)
    assert sent_to(CUSTOMER)[-1].text.startswith("We look into it.")
    assert_nothing_left(ticket, "idi0t", f"{other}")
    client.force_login(ticket.guest)
    page = client.get(ticket.url).text
    assert "We look into it." in page
    assert "locked this discussion" in page
    assert not any(word in page for word in ("idi0t", SECRET, f"{other}", f"#{other.iid}"))


@pytest.mark.parametrize("keeps_references", [True, False])
def test_to_the_private_address_of_the_issue(ticket, keeps_references):
    """Answered there instead, with the whole mail below."""
    told = ticket.notification
    row = ticket.desk.receive(
        make_mail(
            to=ticket.issue_address(ticket.boss),
            sender=ticket.boss.email,
            body=f"The idi0t.\r\n\r\n{told.text}",
            In_Reply_To=f"<{told.message_id}>",
            References=f"{told.headers['References']} <{told.message_id}>"
            if keeps_references
            else "",
        )
    )
    assert (row.status, row.handler) == (Status.PROCESSED, "issue_note")
    assert newest().discussion == ticket.note.discussion
    assert newest().internal
    assert_nothing_left(ticket, "idi0t")


def test_ids_of_somebody_elses_mail_place_nothing(ticket):
    other = MembershipFactory(project=ticket.desk.project, role=Role.REPORTER).user
    told = ticket.notification
    ticket.desk.receive(
        make_mail(
            to=ticket.issue_address(other),
            sender=other.email,
            In_Reply_To=f"<{told.message_id}>",
            References=told.headers["References"],
        )
    )
    assert newest().discussion != ticket.note.discussion


def test_several_in_one_batch(ticket):
    services.subscribe(user=ticket.agent, item=ticket.issue)
    rows = ticket.receive_all(
        answer(ticket.notification, body="one idi0t"),
        answer(ticket.notification, body="two idi0t"),
        make_mail(
            to=ticket.issue_address(ticket.boss),
            sender=ticket.boss.email,
            body="three idi0t",
            In_Reply_To=f"<{ticket.notification.message_id}>",
        ),
        answer(ticket.notification, body="/due tomorrow"),
        make_mail(
            to=ticket.issue_address(ticket.boss), sender=ticket.boss.email, body="For everybody"
        ),
    )
    assert {row.status for row in rows} == {Status.PROCESSED}
    found = Note.objects.filter(system=False).order_by("pk").values_list("internal", flat=True)
    assert list(found) == [True, True, True, True, False]
    assert_nothing_left(ticket, "idi0t")
    assert "For everybody" in sent_to(CUSTOMER)[-1].text


def test_on_the_page(ticket, client):
    client.post(ticket.url, {"body": "The idi0t.", "discussion": ticket.note.discussion})
    assert newest().internal
    assert_nothing_left(ticket, "idi0t")


def test_on_the_page_after_the_note_is_gone(ticket, client):
    """The answer stays in the form, and would be internal if sent again."""
    ticket.note.delete()
    response = client.post(ticket.url, {"body": "The idi0t.", "discussion": ticket.note.discussion})
    assert response.status_code == 400
    form = response.context["form"]
    assert "What you answer is no longer there." in form.errors["body"][0]
    assert (form["body"].value(), form["internal"].value()) == ("The idi0t.", True)
    assert not Note.objects.filter(system=False).exists()


def test_a_turned_down_answer_on_the_page_stays_an_answer(ticket, client):
    response = client.post(ticket.url, {"body": "  ", "discussion": ticket.note.discussion})
    assert response.status_code == 400
    assert response.context["form"].errors == {}
    assert response.context["reply"]["discussion"].value() == ticket.note.discussion
    assert '<details class="reply" open>' in response.text
    assert "This field is required." in response.text


def test_by_mail_after_the_note_is_gone(ticket):
    ticket.note.delete()
    row = ticket.desk.receive(answer(ticket.notification, body="The idi0t."))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.NOT_FOUND)
    assert_nothing_left(ticket, "idi0t")


def test_by_mail_of_who_may_no_longer_read_it(ticket):
    ticket.boss.memberships.update(role=Role.GUEST)
    row = ticket.desk.receive(answer(ticket.notification, body="The idi0t."))
    assert (row.status, row.reason) == (Status.REJECTED, Reason.NOT_ALLOWED)
    assert_nothing_left(ticket, "idi0t")


def test_a_public_comment_still_reaches_the_customer(ticket, client):
    client.post(ticket.url, {"body": "We look into it."})
    ticket.desk.receive(answer(sent_to(ticket.boss.email)[-1], body="Tomorrow, I think."))
    assert not newest().internal
    assert [row.text.split("\n")[0] for row in sent_to(CUSTOMER)[-2:]] == [
        "We look into it.",
        "Tomorrow, I think.",
    ]


def test_an_answer_to_the_mail_about_a_system_note_is_a_comment(ticket, client):
    services.close_item(item=ticket.issue, actor=ticket.agent)
    told = sent_to(ticket.boss.email)[-1]
    assert "closed this" in told.text
    ticket.desk.receive(answer(told, body="Why so?"))
    (discussion,) = [
        talk
        for talk in client.get(ticket.url).context["shown"].discussions
        if any(note.id == newest().pk for note in talk.notes)
    ]
    assert not discussion.system
    ticket.desk.receive(answer(sent_to(ticket.agent.email)[-1], body="It is done."))
    assert newest().discussion == discussion.name


def answer_elsewhere(ticket, to, body=f"Yes, he is a {SECRET}.", **fields):
    """The boss answers the notification of the internal note, but at this address."""
    told = as_received(ticket.notification)
    thread = {
        "In-Reply-To": told["Message-ID"],
        "References": f"{told['References']} {told['Message-ID']}",
    }
    content = make_mail(to=to, sender=ticket.boss.email, body=body, **(thread | fields))
    return ticket.desk.receive(content)


@pytest.mark.parametrize("dropped", ["nothing", "the reply key"])
@pytest.mark.parametrize("way", ["another issue", "a new issue", "the desk"])
def test_an_answer_at_another_address_waits_for_a_person(ticket, way, dropped):
    own = ticket.issue_address(ticket.boss)
    other = ticket.desk.open_ticket("dora@other.example")
    own_part = f"-issue-{ticket.issue.iid}@"
    to = {
        "another issue": own.replace(own_part, f"-issue-{other.iid}@"),
        "a new issue": own.replace(own_part, "-issue@"),
        "the desk": ticket.desk.address,
    }[way]
    before = Issue.objects.count()
    short = {"References": as_received(ticket.notification)["Message-ID"]}
    row = answer_elsewhere(ticket, to, **(short if dropped == "the reply key" else {}))
    if row.status == Status.PROCESSED:  # the key in the thread has led to the discussion
        assert row.note.internal
    else:
        assert (row.status, row.reason) == (Status.HELD, Reason.INTERNAL_ANSWER)
    assert Issue.objects.count() == before
    assert_nothing_left(ticket, SECRET)


def test_an_answer_by_the_key_of_a_participant_waits_for_a_person(ticket):
    """A member who opened a ticket by mail has two addresses for answers to it."""
    boss = ticket.boss
    issue = ticket.desk.write(boss.email, Cc="ann@customer.example").issue
    (thanks,) = [row for row in sent() if row.recipient == boss.email and "thank" in row.kind]
    services.subscribe(user=boss, item=issue)
    services.create_note(item=issue, author=ticket.agent, body="He is odd.", internal=True)
    ticket.notification = [row for row in sent() if row.recipient == boss.email][-1]
    row = answer_elsewhere(ticket, as_received(thanks)["Reply-To"])
    assert (row.status, row.reason) == (Status.HELD, Reason.INTERNAL_ANSWER)
    assert_nothing_left(ticket, SECRET)
