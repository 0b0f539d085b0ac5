"""An answer to an internal note that is sent to another address of ours waits for a person."""

from datetime import timedelta
from email.utils import parseaddr
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email.keys import sender_tokens
from incoming_email.models import SeriesPart
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, reviewing
from issues import services
from issues.models import Issue, MergeRequest, Note, Role
from tests.clones import Clone, plant
from tests.factories import EmailAddressFactory, MembershipFactory
from tests.incoming_email.patch_mails import attach, inline, send_email
from tests.incoming_email.world import make_mail
from tests.servicedesk.inside import SECRET, Ticket, answer_elsewhere, assert_nothing_left, newest
from tests.servicedesk.world import as_received, sent, sent_to

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def ticket(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return Ticket(client)


def assert_held(row, ticket, *words):
    assert (row.status, row.reason) == (Status.HELD, Reason.INTERNAL_ANSWER), row.trace
    assert_nothing_left(ticket, SECRET, *words)


def release(ticket, row):
    assert reviewing.release([row.pk], now=timezone.now()) == [row.pk]
    processing.process(row.pk)
    row.refresh_from_db()
    assert row.status == Status.PROCESSED, (row.reason, row.last_error)
    return row


def test_ids_of_somebody_elses_mail_place_nothing(ticket):
    """A colleague answers what was forwarded to them: nobody can say who is to read it."""
    other = MembershipFactory(project=ticket.desk.project, role=Role.REPORTER).user
    row = answer_elsewhere(ticket, ticket.issue_address(other), sender=other.email)
    assert_held(row, ticket)
    assert newest() == ticket.note
    assert release(ticket, row).note.discussion != ticket.note.discussion


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
    """Who opened a ticket by mail and became a member has two addresses for answers to it."""
    boss = ticket.boss
    issue = ticket.desk.write("boss@home.example", Cc="ann@customer.example").issue
    (thanks,) = sent_to("boss@home.example")
    EmailAddressFactory(user=boss, email="boss@home.example")
    services.subscribe(user=boss, item=issue)
    services.create_note(item=issue, author=ticket.agent, body="He is odd.", internal=True)
    ticket.notification = [row for row in sent() if row.recipient == boss.email][-1]
    row = answer_elsewhere(ticket, as_received(thanks)["Reply-To"], sender="boss@home.example")
    assert (row.status, row.reason) == (Status.HELD, Reason.INTERNAL_ANSWER)
    assert_nothing_left(ticket, SECRET)


@pytest.mark.parametrize(
    "references", ["nothing", "capitals", "the note alone", "the whole thread"]
)
@pytest.mark.parametrize("of", ["the same ticket", "another ticket"])
def test_an_answer_by_the_key_of_another_notification_waits_for_a_person(ticket, of, references):
    item = ticket.issue if of == "the same ticket" else ticket.desk.open_ticket("dora@x.example")
    services.subscribe(user=ticket.boss, item=item)
    services.create_note(item=item, author=ticket.agent, body="We look into it.")
    public = as_received(sent_to(ticket.boss.email)[-1])
    told = as_received(ticket.notification)
    fields = {
        "nothing": {"References": ""},
        "capitals": {"References": "", "In-Reply-To": told["Message-ID"].upper()},
        "the note alone": {"References": told["Message-ID"]},
        "the whole thread": {},
    }
    row = answer_elsewhere(ticket, public["Reply-To"], **fields[references])
    assert_held(row, ticket)
    assert newest().body == "We look into it."
    note = release(ticket, row).note
    assert (note.item, note.internal) == (item, False)


def test_an_old_id_far_down_the_thread_counts(ticket):
    services.create_note(item=ticket.issue, author=ticket.agent, body="We look into it.")
    public = as_received(sent_to(ticket.boss.email)[-1])
    told = as_received(ticket.notification)["Message-ID"]
    more = " ".join(f"<{number}@x.example>" for number in range(150))
    row = answer_elsewhere(
        ticket, public["Reply-To"], In_Reply_To="<new@x.example>", References=f"{told} {more}"
    )
    assert_held(row, ticket)


def test_a_mail_to_an_internal_and_a_public_key_is_written_inside_alone(ticket):
    """Each address may get its own copy of it."""
    services.create_note(item=ticket.issue, author=ticket.agent, body="We look into it.")
    public = as_received(sent_to(ticket.boss.email)[-1])["Reply-To"]
    inside = as_received(ticket.notification)["Reply-To"]
    addresses = [parseaddr(address)[1] for address in (inside, public)]
    content = make_mail(
        to=inside, sender=ticket.boss.email, body=f"Yes, he is a {SECRET}.", Cc=public
    )
    rows = [ticket.desk.receive(content, recipient=address) for address in addresses]
    assert [row.status for row in rows] == [Status.PROCESSED, Status.HELD]
    assert newest() == rows[0].note
    assert newest().internal
    assert_nothing_left(ticket)


@pytest.mark.parametrize("way", ["the issue", "a reply"])
def test_a_notification_that_is_attached_to_a_comment(ticket, way):
    services.create_note(item=ticket.issue, author=ticket.agent, body="We look into it.")
    public = as_received(sent_to(ticket.boss.email)[-1])["Reply-To"]
    content = make_mail(
        to=public if way == "a reply" else ticket.issue_address(ticket.boss),
        sender=ticket.boss.email,
        MIME_Version="1.0",
        Content_Type="multipart/mixed; boundary=b",
        body="--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"{as_received(ticket.notification).as_string()}\r\n--b--",
    )
    assert_held(ticket.desk.receive(content), ticket)


def test_the_desk_and_an_internal_key_in_cc(ticket):
    inside = as_received(ticket.notification)["Reply-To"]
    content = make_mail(to=ticket.desk.address, sender=ticket.boss.email, body=SECRET, Cc=inside)
    assert_held(ticket.desk.receive(content), ticket)


def test_from_an_address_that_we_do_not_know(ticket):
    row = answer_elsewhere(
        ticket, ticket.desk.address, sender="boss@private.example", References=""
    )
    assert_held(row, ticket)


def test_what_answers_a_note_that_is_gone_waits_too(ticket):
    ticket.note.delete()
    assert_held(
        answer_elsewhere(ticket, ticket.desk.address, sender="boss@private.example"), ticket
    )


def test_an_id_without_its_proof_holds_nothing(ticket):
    """Nobody finds out by mail which notes are internal."""
    guessed = f"<note-{ticket.note.pk}.u{ticket.boss.pk}.0123456789abcdef@letterbox.localhost>"
    row = ticket.desk.write("eve@x.example", In_Reply_To=guessed)
    assert row.status == Status.PROCESSED


def test_many_in_one_batch_are_asked_about_once(ticket):
    services.create_note(item=ticket.issue, author=ticket.agent, body="We look into it.")
    public = as_received(sent_to(ticket.boss.email)[-1])["Reply-To"]
    told = f"<{ticket.notification.message_id}>"

    def count(number):
        mails = [
            make_mail(to=public, sender=ticket.boss.email, body=f"{n}{SECRET}", In_Reply_To=told)
            for n in range(number)
        ]
        with CaptureQueriesContext(connection) as queries:
            rows = ticket.receive_all(*mails)
        assert {row.reason for row in rows} == {Reason.INTERNAL_ANSWER}
        asked = ("issues_note", "incoming_email_replykey")
        return sum(any(f'FROM "{name}"' in q["sql"] for name in asked) for q in queries)

    assert count(1) == count(8) == 3


class TestMergeRequests:
    @pytest.fixture
    def clone(self, ticket, tmp_path):
        ticket.boss.memberships.update(role=Role.DEVELOPER)
        plant(ticket.issue.project)
        clone = Clone(ticket.issue.project, tmp_path / "clone")
        clone.oil(3)
        return clone

    @pytest.fixture
    def sender(self, ticket):
        address = sender_tokens.new_merge_request_address(
            user=ticket.boss, project=ticket.issue.project, now=timezone.now()
        )
        return SimpleNamespace(member=ticket.boss, merge_request_address=lambda _user=None: address)

    def open(self, ticket, sender, clone):
        """With an internal note on it, which is what the boss was told last."""
        ticket.desk.receive(inline(sender, clone.patches()[0]))
        merge_request = MergeRequest.objects.get()
        services.subscribe(user=ticket.guest, item=merge_request)
        services.create_note(item=merge_request, author=ticket.agent, body=SECRET, internal=True)
        ticket.notification = sent_to(ticket.boss.email)[-1]
        return merge_request

    def thread(self, ticket):
        told = as_received(ticket.notification)
        return {"In_Reply_To": told["Message-ID"], "References": told["References"]}

    def test_attached_patches_in_answer_to_the_note_of_an_issue(self, ticket, clone, sender):
        content = attach(sender, clone.patches(), body=f"He is a {SECRET}.")
        told = f"In-Reply-To: {self.thread(ticket)['In_Reply_To']}\r\n"
        row = ticket.desk.receive(told.encode() + content)
        assert_held(row, ticket)
        assert not MergeRequest.objects.exists()
        assert release(ticket, row).merge_request is not None

    def test_a_remark_below_the_message_of_the_commit(self, ticket, clone, sender):
        patch = clone.patches()[0].replace(b"---\n", f"---\nHe is a {SECRET}.\n\n".encode(), 1)
        assert_held(ticket.desk.receive(inline(sender, patch, **self.thread(ticket))), ticket)
        assert not MergeRequest.objects.exists()

    def test_a_series_with_a_cover_letter(self, ticket, clone, sender):
        clone.oil(4)
        told = self.thread(ticket)["In_Reply_To"]
        mails = clone.patches("--cover-letter", "--thread", f"--in-reply-to={told}")
        mails[0] = mails[0].replace(b"*** BLURB HERE ***", SECRET.encode())
        for mail in mails:
            row = ticket.desk.receive(send_email(sender, mail, From=ticket.boss.email))
            if mail is not mails[0]:
                assert row.status == Status.PENDING, "a patch waits for its cover letter at first"
                later = timezone.now() + timedelta(minutes=11)
                assert processing.process(row.pk, clock=lambda later=later: later)
                row.refresh_from_db()
            assert_held(row, ticket)
        assert not SeriesPart.objects.exists()

    @pytest.mark.parametrize("way", ["the title", "the thread", "the branch"])
    def test_a_version_of_the_merge_request_that_is_discussed(self, ticket, clone, sender, way):
        merge_request = self.open(ticket, sender, clone)
        clone.oil(4)
        patch = clone.patches()[0].replace(b"---\n", b"---\nThe idi0t.\n\n", 1)
        thread = self.thread(ticket)
        if way == "the branch":
            content = attach(
                sender, clone.patches(since="HEAD~1"), body="The idi0t.", subject="oil-the-hinge-3"
            )
            content = f"In-Reply-To: {thread['In_Reply_To']}\r\n".encode() + content
        else:
            if way == "the title":
                thread["References"] = ""
            title = "Oil the hinge 3" if way == "the title" else "Oil more"
            content = inline(sender, patch, subject=f"[PATCH v2] {title}", **thread)
        row = ticket.desk.receive(content)
        assert row.status == Status.PROCESSED, (row.reason, row.last_error)
        assert merge_request.versions.count() == 2
        assert Note.objects.get(body="The idi0t.").internal
        assert_nothing_left(ticket, "idi0t")

    def test_patches_for_another_merge_request(self, ticket, clone, sender):
        self.open(ticket, sender, clone)
        clone.oil(4)
        patch = clone.patches(since="HEAD~1")[0].replace(b"---\n", b"---\nThe idi0t.\n\n", 1)
        told = self.thread(ticket)["In_Reply_To"]
        content = inline(sender, patch, subject="[PATCH] Oil the other", In_Reply_To=told)
        assert_held(ticket.desk.receive(content), ticket, "idi0t")

    def test_a_new_revision_as_a_series(self, ticket, clone, sender):
        clone.oil(4)
        self.send_series(ticket, sender, clone.patches("--cover-letter", "--thread"), b"Hello.")
        merge_request = MergeRequest.objects.get()
        services.subscribe(user=ticket.guest, item=merge_request)
        services.create_note(item=merge_request, author=ticket.agent, body=SECRET, internal=True)
        ticket.notification = sent_to(ticket.boss.email)[-1]
        clone.oil(5)
        answering = f"--in-reply-to={self.thread(ticket)['In_Reply_To']}"
        mails = clone.patches("-v2", "--cover-letter", "--thread", answering)
        self.send_series(ticket, sender, mails, b"The idi0t.")
        assert merge_request.versions.count() == 2
        assert Note.objects.get(body__startswith="The idi0t.").internal
        assert_nothing_left(ticket, "idi0t")

    def send_series(self, ticket, sender, mails, words):
        for mail in mails:
            titled = mail.replace(b"*** SUBJECT HERE ***", b"Oil all")
            text = titled.replace(b"*** BLURB HERE ***", words)
            row = ticket.desk.receive(send_email(sender, text, From=ticket.boss.email))
            assert row.status == Status.PROCESSED, (row.reason, row.last_error)
