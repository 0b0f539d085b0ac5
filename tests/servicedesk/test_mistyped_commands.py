"""A command that is not understood is never mailed to customers; a path is, and annoys nobody."""

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Note
from servicedesk.models import Participant
from tests.factories import IssueFactory, LabelFactory, MembershipFactory
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)

MISTAKES = [
    ("/asign @rita", "is /assign meant?"),
    ("/assign Rita", "It is written like this: /assign @ann me."),
    ("/add_email Max", "It is written like this: /add_email ann@example.com bob@example.com."),
    ("/zuweisen @rita", "There is no such quick action."),
    ("/spend 1h", "There is no such quick action."),
    ("/milestone", "There is no such quick action."),
    ("/assign @nobody", "Nobody is named @nobody."),
    ("/label ~gone", "The project has no label ~gone."),
]
PATHS = [
    "/etc/passwd",
    "/usr/bin",
    "/usr is full",
    "/tmp",
    "/var/log/syslog: permission denied",
    "/login",
    "/api/v1/orders?page=2",
    "/* a comment */",
    "// another",
    "/me waves",
    "/dev/null 2>&1",
    "`/asign`",
]


@pytest.fixture
def desk():
    desk = make_desk()
    MembershipFactory(project=desk.project, user__username="rita")
    LabelFactory(project=desk.project, name="seen")
    return desk


@pytest.fixture
def ticket(desk):
    return desk.open_ticket()


def post(client, desk, issue, body, **fields):
    client.force_login(desk.agent)
    url = reverse("issue-detail", args=[issue.project.path, issue.iid])
    return client.post(url, {"body": body, **fields})


def answer_by_mail(desk, issue, body):
    services.assign(item=issue, actor=desk.agent, users=[desk.agent])
    desk.receive(answer(sent_to(CUSTOMER)[0], body="Any news?"))
    return desk.receive(answer(sent_to(desk.agent.email)[-1], body=body))


@pytest.mark.parametrize(("line", "why"), MISTAKES)
def test_on_the_page_the_form_comes_again_and_nothing_is_done(client, desk, ticket, line, why):
    text = f"We look into it.\n{line}\n/label ~seen"
    response = post(client, desk, ticket, text)
    assert response.status_code == 400
    assert response.context["form"]["body"].value() == text
    first, last = response.context["form"].errors["body"]
    assert first.startswith(f"“{line}”:")
    assert why in first
    assert last.startswith("Nothing was sent to the customer.")
    assert not Note.objects.exists()
    assert not ticket.labels.exists()
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you"]


@pytest.mark.parametrize(("line", "why"), MISTAKES)
def test_by_mail_the_line_is_left_out_and_the_agent_told(desk, ticket, line, why):
    row = answer_by_mail(desk, ticket, f"We look into it.\r\n{line}\r\n/label ~seen")
    assert row.note.body == "We look into it."
    assert [label.name for label in ticket.labels.all()] == ["seen"]
    mail = sent_to(CUSTOMER)[-1]
    assert mail.kind == "desk_note"
    assert line not in mail.text + mail.html
    (told,) = [row.text for row in sent() if row.kind == "quick_actions"]
    assert line in told
    assert why in told


def test_a_mail_of_a_mistake_alone_makes_no_comment(desk, ticket):
    row = answer_by_mail(desk, ticket, "/asign @rita")
    assert (row.note, row.outcome) == (None, f"commands on issue {ticket}")
    assert [row.kind for row in sent_to(CUSTOMER)] == ["desk_thank_you"]
    (told,) = [row.text for row in sent() if row.kind == "quick_actions"]
    assert "The line was left out, since customers would have read it." in told


@pytest.mark.parametrize("line", PATHS)
@pytest.mark.parametrize("by", ["page", "mail"])
def test_a_path_is_sent_and_nobody_is_told(client, desk, ticket, by, line):
    text = f"Please look at\n{line}\nand tell us."
    if by == "page":
        assert post(client, desk, ticket, text).status_code == 302
    else:
        assert answer_by_mail(desk, ticket, text.replace("\n", "\r\n")).note is not None
    assert text in sent_to(CUSTOMER)[-1].text
    assert [row for row in sent() if row.kind == "quick_actions"] == []


@pytest.mark.parametrize("text", ["Look\n/asign @rita", "> Roll back?\n/close"])
def test_an_internal_note_is_written_and_says_so_as_before(client, desk, ticket, text):
    assert post(client, desk, ticket, text, internal="on").status_code == 302
    note = Note.objects.get(system=False)
    assert (note.internal, note.body) == (True, text)


def test_an_answer_in_an_internal_discussion_is_internal_as_well(client, desk, ticket):
    note = services.create_note(item=ticket, author=desk.agent, body="Hm", internal=True)
    response = post(client, desk, ticket, "/asign @rita", discussion=note.discussion)
    assert response.status_code == 302
    assert Note.objects.latest("pk").internal


def test_a_command_below_a_quote_comes_back_too(client, desk, ticket):
    response = post(client, desk, ticket, "> Roll back?\n/close")
    assert response.status_code == 400
    assert "leave a blank line above it" in response.context["form"].errors["body"][0]


def test_an_issue_that_is_no_ticket_is_as_before(client, desk):
    issue = IssueFactory(project=desk.project, author=desk.agent)
    assert post(client, desk, issue, "Look\n/asign @rita").status_code == 302
    assert Note.objects.get().body == "Look\n/asign @rita"


def test_a_refusal_of_a_command_that_was_understood_stops_nothing(desk, ticket):
    body = typed("Hello\n/remove_email z@x.example\n/lock")
    written = quick_actions.write_note(
        item=ticket, author=desk.agent, body=body, now=timezone.now()
    )
    assert (written.note.body, written.done) == ("Hello", ("/lock",))


@pytest.mark.parametrize(
    "argument",
    [
        '"Max" <m@example.com>',
        "Max <m@example.com>",
        "Max Muster <m@example.com>,",
        '"Muster, Max" <m@example.com>',
        "“Max” <m@example.com>",
        "<m@example.com>",
    ],
)
def test_a_name_before_an_address_is_understood(client, desk, ticket, argument):
    assert post(client, desk, ticket, f"/add_email {argument}").status_code == 302
    assert list(Participant.objects.values_list("address", flat=True)) == [
        CUSTOMER,
        "m@example.com",
    ]


def test_names_and_addresses_of_several_on_the_page(client, desk, ticket):
    client.force_login(desk.agent)
    url = reverse("participant-add", args=[ticket.project.path, ticket.iid])
    client.post(url, {"addresses": 'Ann Lee <ann@x.example>; "B, Bob" <bob@x.example> c@x.example'})
    found = list(Participant.objects.values_list("address", flat=True))
    assert found == [CUSTOMER, "ann@x.example", "bob@x.example", "c@x.example"]
