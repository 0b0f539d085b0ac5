"""Quick actions by mail: whose words count, and what becomes of them."""

import pytest
from django.utils import timezone

from incoming_email.keys import reply_keys
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing
from issues import services
from issues.models import Announcement, Issue, Note, Role, State
from tests.factories import LabelFactory, MergeRequestFactory, UserFactory
from tests.incoming_email.handlers.replying import reply, step_of, told
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.world import make_mail

pytestmark = pytest.mark.django_db
HISTORY = "\r\n\r\nOn Mon, Jan 1, 2024 at 10:00 AM Ann <ann@example.com> wrote:\r\n> /close"


def test_a_reply_of_commands_only_makes_no_note(world):
    row = reply(world, "/close" + HISTORY)

    assert (row.status, row.outcome) == (
        Status.PROCESSED,
        f"commands on issue {world.issue}",
    )
    assert (row.note, row.issue) == (None, world.issue)
    assert world.issue.state == State.CLOSED
    assert not Note.objects.filter(system=False).exists()
    assert told() == []


def test_a_reply_with_text_and_commands(world):
    row = reply(world, "Fixed.\r\n\r\n/close\r\n" + HISTORY)

    note = Note.objects.get(system=False)
    assert row.outcome == f"note {note.pk} on issue {world.issue}"
    assert note.body == "Fixed."
    assert note.quoted.splitlines()[-1] == "> /close"
    assert world.issue.state == State.CLOSED


def test_a_file_beside_commands_is_a_note(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    content = make_mail_with_file(to=world.reply_address(), sender=world.member.email)
    world.receive(content.replace(b"See the file.", b"/close"))
    world.issue.refresh_from_db()
    assert Note.objects.get(system=False).body.startswith("[a.txt](")
    assert world.issue.state == State.CLOSED


@pytest.mark.parametrize(
    "body",
    [
        "Hello" + HISTORY,
        "Hello\r\n\r\n```\r\n/close\r\n```",
        "Hello\r\n\r\n    /close",
        "Hello\r\n\r\n> /close\r\n\r\nWhat is this?",
        "Hello \\/close\r\n\\/close",
        "FYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Bo <bo@example.com>\r\n"
        "Date: Mon, Jan 1, 2024 at 10:00 AM\r\nSubject: x\r\nTo: <ann@example.com>\r\n\r\n/close",
        "Hello\r\n\r\n-----Original Message-----\r\nFrom: Bo\r\nSent: Monday\r\nTo: Ann\r\n"
        "Subject: x\r\n\r\n/close",
        "/etc/passwd\r\n/tmp",
    ],
    ids=lambda body: body.split()[1][:12] if len(body.split()) > 1 else "path",
)
def test_words_of_others_code_and_paths_do_nothing(world, body):
    row = reply(world, body)
    assert row.status == Status.PROCESSED
    assert world.issue.state == State.OPENED
    assert told() == []


HTML = """MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<div>Hello</div><div>/close</div><p>/close</p><blockquote>/close</blockquote>
"""


def test_mail_in_html_only_holds_no_commands(world):
    head = make_mail(to=world.reply_address(), sender=world.member.email).partition(b"\r\n\r\n")[0]
    row = world.receive(head + b"\r\n" + HTML.replace("\n", "\r\n").encode())
    world.issue.refresh_from_db()
    assert (row.status, world.issue.state) == (Status.PROCESSED, State.OPENED)
    assert "\\/close" in Note.objects.get().body


def test_the_text_beside_the_html_holds_them(world):
    head = make_mail(to=world.reply_address(), sender=world.member.email).partition(b"\r\n\r\n")[0]
    head += b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    text = b"--b\r\nContent-Type: text/plain\r\n\r\n/close\r\n"
    world.receive(head + text + b"--b\r\nContent-Type: text/html\r\n\r\n<p>/close</p>\r\n--b--\r\n")
    world.issue.refresh_from_db()
    assert world.issue.state == State.CLOSED


FOOTER = "list of the team\r\n/lock\r\n/title Pwned"
TWO_TEXTS = {"Content_Type": "multipart/mixed; boundary=b", "MIME_Version": "1.0"}


@pytest.mark.parametrize("way", ["a reply", "the address of the issue", "a new issue"])
def test_a_text_that_was_added_to_the_mail_commands_nothing(world, way):
    own_address = world.issue_address().replace("-issue@", f"-issue-{world.issue.iid}@")
    to = {
        "a reply": world.reply_address(),
        "the address of the issue": own_address,
        "a new issue": world.issue_address(),
    }[way]
    part = "--b\r\nContent-Type: text/plain\r\n\r\n"
    body = f"{part}Fixed.\r\n\r\n/close\r\n{part}{FOOTER}\r\n--b--"
    given = {"to": to, "sender": world.member.email, "subject": "Door", "body": body}
    world.receive(make_mail(**given, **TWO_TEXTS))
    issue = Issue.objects.latest("pk")
    assert (issue.state, issue.locked) == (State.CLOSED, False)
    assert issue.title != "Pwned"
    text = issue.description if way == "a new issue" else Note.objects.get(system=False).body
    assert text == "Fixed.\n\n\n" + FOOTER.replace("\r\n", "\n")
    ((_recipient, answer),) = told()
    assert "/lock" in answer


@pytest.mark.parametrize(
    "body",
    [
        "Hello\r\n\r\n-- \r\nAnn\r\n/close",
        "Hello\r\n\r\nSent from my iPhone\r\n\r\n/close",
        "=== Notes ===\r\n\r\nFixed.\r\n\r\n/close",
        "Hello\r\n\r\nNga: Bo <bo@example.com>\r\nPër: Ann\r\nTema: x\r\n\r\n/close",
    ],
    ids=["signature", "footer of a phone", "heading", "forward in a language not known"],
)
def test_told_of_a_command_that_may_be_the_senders(world, body):
    row = reply(world, body)
    assert (row.status, world.issue.state) == (Status.PROCESSED, State.OPENED)
    ((_recipient, answer),) = told()
    assert "/close" in answer
    assert "somebody else" in answer


def test_told_of_a_command_below_a_banner_that_a_gateway_added(world):
    part = "--b\r\nContent-Type: text/plain\r\n\r\n"
    body = f"{part}[EXTERNAL] Be careful.\r\n\r\n{part}Fixed.\r\n\r\n/close\r\n--b--"
    reply(world, body, **TWO_TEXTS)
    assert world.issue.state == State.OPENED
    ((_recipient, answer),) = told()
    assert "/close" in answer


ATTRIBUTION = "On Mon, Jan 1, 2024 at 10:00 AM Ann <ann@example.com> wrote:"


@pytest.mark.parametrize(
    "quote", ["> It squeaks.", f"> {'squeak ' * 10}", "> a\r\nb", "AB> a\r\nAB> b"]
)
@pytest.mark.parametrize("way", ["a reply", "the address of the issue"])
def test_the_rest_of_a_quoted_line_commands_nothing_and_the_sender_is_told(world, way, quote):
    """Also where the quote above it is cut, and the rest of its last line is left."""
    own_address = world.issue_address().replace("-issue@", f"-issue-{world.issue.iid}@")
    world.receive(
        make_mail(
            to=world.reply_address() if way == "a reply" else own_address,
            sender=world.member.email,
            body=f"I see.\r\n\r\n{ATTRIBUTION}\r\n{quote}\r\n/close",
        )
    )
    world.issue.refresh_from_db()
    assert world.issue.state == State.OPENED
    ((_recipient, text),) = told()
    assert "below a quote without a blank line between" in text


def test_a_new_issue_by_mail(world):
    LabelFactory(project=world.issue.project, name="bug")
    body = "It squeaks.\r\n\r\n/label ~bug\r\n/confidential\r\n" + HISTORY
    row = world.receive(
        make_mail(to=world.issue_address(), sender=world.member.email, subject="Door", body=body)
    )
    issue = Issue.objects.latest("pk")
    assert row.outcome == f"issue {issue}"
    assert (issue.title, issue.confidential, issue.state) == ("Door", True, State.OPENED)
    assert issue.labels.get().name == "bug"
    assert issue.description == "It squeaks.\n\n\n\n" + HISTORY.strip().replace("\r\n", "\n")


def test_a_new_issue_of_commands_only_has_no_description(world):
    row = world.receive(
        make_mail(to=world.issue_address(), sender=world.member.email, body="/due tomorrow")
    )
    issue = Issue.objects.latest("pk")
    assert (row.outcome, issue.description) == (f"issue {issue}", "")
    assert issue.due_date is not None


def test_what_is_forwarded_into_a_new_issue_commands_nothing(world):
    body = (
        "See below.\r\n/title Seen below\r\n\r\n---------- Forwarded message ---------\r\n"
        "From: Bo <bo@example.com>\r\nDate: Mon, Jan 1, 2024\r\nSubject: x\r\n"
        "To: <ann@example.com>\r\n\r\n/close\r\n/colse\r\n"
    )
    row = world.receive(make_mail(to=world.issue_address(), sender=world.member.email, body=body))
    issue = Issue.objects.latest("pk")
    assert (row.status, issue.title, issue.state) == (
        Status.PROCESSED,
        "Seen below",
        State.OPENED,
    )
    assert issue.description.endswith("\n/close\n/colse"), "as it was written"
    assert told() == []


def test_mail_to_the_private_address_of_an_issue(world):
    address = world.issue_address().replace("-issue@", f"-issue-{world.issue.iid}@")
    row = world.receive(make_mail(to=address, sender=world.member.email, body="/close"))
    world.issue.refresh_from_db()
    assert row.outcome == f"commands on issue {world.issue}"
    assert world.issue.state == State.CLOSED


def test_a_reply_about_a_merge_request(world):
    merge_request = MergeRequestFactory(project=world.issue.project)
    routes = reply_keys.reply_routes(recipients=[world.member], item=merge_request, discussion="")
    row = world.receive(
        make_mail(
            to=routes[world.member.pk].reply_to, sender=world.member.email, body="/draft\n/close"
        )
    )
    merge_request.refresh_from_db()
    assert row.outcome == f"commands on merge request {merge_request}"
    assert (merge_request.draft, merge_request.state) == (True, State.CLOSED)


def test_the_rights_are_those_of_the_page(world):
    world.member.memberships.update(role=Role.GUEST)
    row = reply(world, "Hm.\r\n/close\r\n/lock")
    assert (row.status, world.issue.state) == (Status.PROCESSED, State.OPENED)
    assert Note.objects.get().body == "Hm."
    ((_recipient, text),) = told()
    assert text.count("Your role in the project does not include this.") == 2


def test_a_copy_of_the_mail_does_nothing_twice(world):
    content = make_mail(to=world.reply_address(), sender=world.member.email, body="/close\n/colse")
    world.receive(content)
    services.reopen_item(item=world.issue, actor=UserFactory(is_superuser=True))

    row = world.receive(content)

    world.issue.refresh_from_db()
    assert (row.status, row.reason) == (Status.IGNORED, "duplicate")
    assert world.issue.state == State.OPENED
    assert len(told()) == 1


def test_trying_out_shows_the_outcome_and_leaves_no_trace(world):
    raw = make_mail(to=world.reply_address(), sender=world.member.email, body="/close\n/colse\n")
    row = InboundEmail(mailbox=world.mailbox, raw=raw, source_id="x", received_at=timezone.now())
    end = processing.try_out(row, now=timezone.now())
    world.issue.refresh_from_db()
    assert end.status == Status.PROCESSED
    assert step_of(end) == "sent"
    assert world.issue.state == State.OPENED
    assert (told(), Note.objects.count(), Announcement.objects.count()) == ([], 0, 0)
