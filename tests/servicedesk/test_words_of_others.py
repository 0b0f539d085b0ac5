"""What a customer wrote is never carried out, wherever it is put together with an agent's words."""

import html
import re
import textwrap

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.keys import sender_tokens
from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Issue, Note, State, Subscription
from servicedesk import wording
from servicedesk.models import CannedReply, Participant
from servicedesk.ticket_templates import read_template
from tests.factories import LabelFactory, MembershipFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, answer, as_received, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db

COMMANDS = (
    "/add_email spy@evil.example",
    "/assign @rita",
    "/close",
    "/label ~bug",
    "/title Pwned",
    "/lock",
    "/due tomorrow",
    "/cc @rita",
    "/duplicate #1",
    "/remove_email carl@customer.example",
)
DOOR = "The door squeaks.\n" + "\n".join(COMMANDS)


@pytest.fixture
def desk():
    desk = make_desk()
    services.create_issue(project=desk.project, author=desk.agent, title="The first")
    LabelFactory(project=desk.project, name="bug")
    LabelFactory(project=desk.project, name="seen")
    MembershipFactory(project=desk.project, user__username="rita")
    return desk


def canned(desk, text):
    reply = CannedReply(project=desk.project, title="Seen", text=text)
    reply.full_clean()
    reply.save()
    return reply


def state_of(issue):
    issue = Issue.objects.get(pk=issue.pk)
    return {
        "row": (issue.title, issue.state, issue.locked, issue.due_date, issue.confidential),
        "duplicate": issue.duplicate_of_id,
        "assigned": [user.username for user in issue.assignees.all()],
        "labels": [label.name for label in issue.labels.all()],
        "people": sorted(issue.ticket.participants.values_list("address", flat=True)),
        "subscribed": Subscription.objects.filter(issue=issue).count(),
    }


def inserted(client, issue):
    """What the browser puts into the comment form: the text that the page offers."""
    url = reverse("issue-detail", args=[issue.project.path, issue.iid])
    page = client.get(url).text
    shown = re.search(r'<pre id="canned-\d+">(.*?)</pre>', page, re.DOTALL)[1]
    return html.unescape(shown)


def post(client, issue, text):
    """As a browser sends a text field: its lines end in CR LF."""
    url = reverse("issue-detail", args=[issue.project.path, issue.iid])
    body = re.sub(r"\r\n|\r|\n", "\r\n", text)
    return client.post(url, {"body": body})


def plain(row):
    return as_received(row).get_body(("plain",)).get_content()


TEMPLATES = (
    "Hello,\n\nyou wrote:\n\n%{ISSUE_DESCRIPTION}\n\nWe look into it.",
    "%{ISSUE_DESCRIPTION}",
    "You wrote:\n%{ISSUE_DESCRIPTION}\nThat is all.",
    "You wrote “%{ISSUE_DESCRIPTION}” in %{ISSUE_ID}.",
    "> %{ISSUE_DESCRIPTION}\n\nSeen.",
    "```\n%{ISSUE_DESCRIPTION}\n```\nSeen.",
    "- %{ISSUE_DESCRIPTION}\n- %{ISSUE_URL}",
)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_canned_reply_posted_on_the_page(client, desk, template):
    canned(desk, template)
    issue = desk.open_ticket(body=DOOR.replace("\n", "\r\n"))
    before = state_of(issue)
    client.force_login(desk.agent)
    response = post(client, issue, f"Dear Carl,\n\n{inserted(client, issue)}")
    assert response.status_code == 302
    assert state_of(issue) == before
    mail = sent_to(CUSTOMER)[-1]
    assert mail.kind == "desk_note"
    assert all(f"> {line}\n" in plain(mail) for line in DOOR.split("\n"))
    assert sent_to("spy@evil.example") == []


def test_the_customers_words_read_right_as_html(client, desk):
    canned(desk, TEMPLATES[0])
    issue = desk.open_ticket(body=DOOR)
    client.force_login(desk.agent)
    post(client, issue, inserted(client, issue))
    quote = re.search(r"<blockquote>(.*)</blockquote>", sent_to(CUSTOMER)[-1].html, re.DOTALL)[1]
    words = html.unescape(re.sub(r"<[^>]+>", "", quote)).split("\n")
    assert [line for line in words if line] == DOOR.split("\n")


def test_a_canned_reply_sent_by_mail(desk):
    reply = canned(desk, TEMPLATES[0])
    issue = desk.open_ticket(body=DOOR)
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    before = state_of(issue)
    text = wording.canned_reply(reply.text, issue).source
    row = desk.receive(answer(sent_to(desk.agent.email)[-1], body=text))
    assert row.note is not None, row.reason
    assert state_of(issue) == before
    assert all(f"> {line}\n" in plain(sent_to(CUSTOMER)[-1]) for line in DOOR.split("\n"))


@pytest.mark.parametrize("width", [36, 40, 48, 65, 72, 76, 78, 80])
def test_a_mail_program_that_breaks_the_customers_lines(desk, width):
    """It breaks what was pasted as it breaks all text, and repeats no quote mark."""
    reply = canned(desk, TEMPLATES[0])
    padded = "\n".join("x" * n + f" {line}" for line in COMMANDS for n in (width - 4, width - 10))
    issue = desk.open_ticket(body=padded)
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    before = state_of(issue)
    lines = wording.canned_reply(reply.text, issue).source.split("\n")
    broken = [part for line in lines for part in textwrap.wrap(line, width) or [""]]
    assert set(COMMANDS) <= set(broken), "what the test is about"
    row = desk.receive(answer(sent_to(desk.agent.email)[-1], body="\r\n".join(broken)))
    assert row.note is not None, row.reason
    assert state_of(issue) == before
    told = [r.text for r in sent() if r.kind == "quick_actions"]
    assert "below a quote without a blank line" in told[0], "the agent reads why"


@pytest.mark.parametrize("by", ["page", "mail"])
def test_the_agents_own_commands_around_it_work(client, desk, by):
    reply = canned(desk, "Your words:\n\n%{ISSUE_DESCRIPTION}\n\nSeen.\n/label ~seen")
    issue = desk.open_ticket(body=f"```\n<!--\n{DOOR}")
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    text = f"/due 2030-01-31\n{wording.canned_reply(reply.text, issue).source}\n/lock"
    if by == "page":
        client.force_login(desk.agent)
        post(client, issue, text)
    else:
        desk.receive(answer(sent_to(desk.agent.email)[-1], body=text))
    issue.refresh_from_db()
    assert (str(issue.due_date), issue.locked, issue.state) == ("2030-01-31", True, State.OPENED)
    assert [label.name for label in issue.labels.all()] == ["seen"]
    assert issue.title == "It is broken"
    body = Note.objects.filter(author=desk.agent, system=False).get().body
    assert all(f"> {line}" in body for line in ("```", "<!--", *DOOR.split("\n")))
    assert "Seen." in body


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\r\n"])
def test_every_end_of_a_line_ends_one(desk, end):
    text = wording.canned_reply(
        "Hi\n%{ISSUE_DESCRIPTION}\nBye",
        Issue(project=desk.project, iid=9, description=f"a{end}/close"),
    )
    assert text.source == "Hi\n> a\n> /close\n\nBye"
    assert text.others == {1, 2}


@pytest.mark.parametrize(
    ("template", "description", "source"),
    [
        ("About “%{ISSUE_DESCRIPTION}”:", "The door squeaks", "About “The door squeaks”:"),
        ("%{ISSUE_DESCRIPTION}: seen", "The door squeaks", "The door squeaks: seen"),
        ("%{ISSUE_DESCRIPTION}: seen", "/close", "> /close\n\n : seen"),
        ("%{ISSUE_DESCRIPTION}: seen", "```", "> ```\n\n : seen"),
        ("%{ISSUE_DESCRIPTION}: seen", "<pre>", "> <pre>\n\n : seen"),
        ("You say “%{ISSUE_DESCRIPTION}”", "a /close", "You say “\n> a /close\n\n ”"),
        ("You say “%{ISSUE_DESCRIPTION}”", "ask @rita", "You say “\n> ask @rita\n\n ”"),
        ("/title %{ISSUE_DESCRIPTION}", "Pwned", "/title\n> Pwned\n\n"),
        (
            "/add_email %{ISSUE_DESCRIPTION}",
            "spy@evil.example",
            "/add_email\n> spy@evil.example\n\n",
        ),
        ("%{ISSUE_DESCRIPTION}/close", "a\nb", "> a\n> b\n\n /close"),
        ("Hi\n%{ISSUE_DESCRIPTION}\nBye", " \n", "Hi\n\nBye"),
        ("> > %{ISSUE_DESCRIPTION}", "a\n\nb", "> > a\n> >\n> > b\n\n"),
        ("%{SYSTEM_HEADER}\nHi", "", "ACME\nSupport\nHi"),
        ("%{SYSTEM_FOOTER}\nHi", "", "> /close\n> ```\n\nHi"),
        ("%{ISSUE_ID} of %{ISSUE_PATH}", "", "#9 of acme/shop#9"),
        ("%{UNKNOWN} %{ISSUE_ID}", "", "%{UNKNOWN} #9"),
        ("%{ISSUE_DESCRIPTION}", "%{ISSUE_ID}", "> %{ISSUE_ID}\n\n"),
    ],
)
def test_how_a_value_is_put_in(desk, settings, template, description, source):
    settings.DESK_SYSTEM_HEADER, settings.DESK_SYSTEM_FOOTER = "ACME\nSupport", "/close\n```"
    desk.project.path = "acme/shop"
    text = wording.canned_reply(
        template, Issue(project=desk.project, iid=9, description=description)
    )
    assert text.source == source
    commands = quick_actions.read(text).commands
    assert quick_actions.read(typed(text.source)).commands == commands == ()


def test_words_of_others_call_nobody(client, desk):
    canned(desk, TEMPLATES[0])
    issue = desk.open_ticket(body="Ask @rita")
    client.force_login(desk.agent)
    post(client, issue, inserted(client, issue))
    assert [row.recipient for row in sent() if row.kind == "new_note"] == []


def test_a_template_of_tickets_does_not_read_the_customers_words(desk):
    desk.settings.template = "/label ~seen\n%{ISSUE_DESCRIPTION}\n/due 2030-01-31"
    desk.settings.save()
    issue = desk.open_ticket(body=f"{DOOR}\n```", subject="/close")
    assert state_of(issue) == {
        "row": ("/close", State.OPENED, False, issue.due_date, True),
        "duplicate": None,
        "assigned": [],
        "labels": ["seen"],
        "people": [CUSTOMER],
        "subscribed": 0,
    }
    assert str(issue.due_date) == "2030-01-31"
    assert read_template(desk.settings).text == "%{ISSUE_DESCRIPTION}"


def test_a_title_that_is_a_command_is_a_title(client, desk):
    issue = desk.open_ticket(subject="/close\n /lock\u2028/title x")
    client.force_login(desk.agent)
    post(client, issue, "/title /close\n/label ~seen")
    issue.refresh_from_db()
    assert (issue.title, issue.state, issue.locked) == ("/close", State.OPENED, False)
    post(client, issue, "Seen.")
    notified = sent_to(CUSTOMER)[-1]
    desk.receive(answer(notified, body="Thanks"))
    issue.refresh_from_db()
    assert issue.state == State.OPENED


@pytest.mark.parametrize(
    "attribution",
    [
        "On Mon, Jan 1, 2024 at 10:00 AM Carl\r\n/title Pwned <carl@customer.example> wrote:",
        "Am 01.01.2024 um 10:00 schrieb Carl\r\n/title Pwned <carl@customer.example>:",
        "-----Original Message-----\r\nFrom: Carl\r\n/title Pwned <carl@customer.example>\r\n"
        "Sent: Monday, January 1, 2024 10:00 AM\r\nTo: Desk\r\nSubject: /title Pwned\r\n",
    ],
)
def test_a_name_over_two_lines_above_a_quote_commands_nothing(desk, attribution):
    issue = desk.open_ticket(
        sender="=?utf-8?q?Carl=0A/title_Pwned?= <carl@customer.example>", body="Hello"
    )
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    told = sent_to(desk.agent.email)[-1]
    assert not any(line.startswith("/title") for line in told.text.split("\n"))
    desk.receive(answer(told, body=f"Seen.\r\n\r\n{attribution}\r\n> Any news?"))
    issue.refresh_from_db()
    assert issue.title == "It is broken"


def test_forwarded_into_an_issue_of_a_member(desk):
    """A member sends a customer's mail on to the private address of a ticket."""
    issue = desk.open_ticket()
    before = state_of(issue)
    address = sender_tokens.new_issue_address(
        user=desk.agent, project=desk.project, now=timezone.now()
    ).replace("-issue@", f"-issue-{issue.iid}@")
    forward = (
        f"FYI\r\n\r\n---------- Forwarded message ---------\r\nFrom: Carl <{CUSTOMER}>\r\n"
        f"Date: Mon, Jan 1, 2024 at 10:00 AM\r\nSubject: x\r\nTo: <a@b.example>\r\n\r\n{DOOR}"
    )
    desk.receive(make_mail(to=address, sender=desk.agent.email, subject="/close", body=forward))
    assert state_of(issue) == before
    note = Note.objects.get(author=desk.agent)
    assert note.body.endswith(DOOR), "as it was written"
    assert Participant.objects.count() == 1
