"""An answer to an internal note stays inside, by whatever way it comes: every mail that goes out
is looked at."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from incoming_email.outcomes import Reason, Status
from issues import services
from issues.models import Note, Role, State
from tests.factories import NoteFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.inside import SECRET, Ticket, answer_elsewhere, assert_nothing_left, newest
from tests.servicedesk.world import CUSTOMER, answer, sent, sent_to

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def ticket(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Ticket(client)


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


@pytest.mark.parametrize("way", ["a reply", "the private address"])
def test_by_mail_of_who_sees_only_an_old_public_answer_to_it(ticket, way):
    """As mail could make one before."""
    NoteFactory(issue=ticket.issue, discussion=ticket.note.discussion, author=ticket.agent)
    ticket.boss.memberships.update(role=Role.GUEST)
    if way == "a reply":
        row = ticket.desk.receive(answer(ticket.notification, body="The idi0t."))
    else:
        row = answer_elsewhere(ticket, ticket.issue_address(ticket.boss), "The idi0t.")
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
