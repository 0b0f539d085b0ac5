"""Mails to customers repeat what the requester wrote, and nothing that the team wrote."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Issue
from servicedesk.models import CannedReply, ServiceDesk, Ticket
from tests.factories import IssueFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)

SHOWN = dict.fromkeys(
    ("thank_you", "new_note", "new_participant"), "%{NOTE_TEXT}[%{ISSUE_DESCRIPTION}]"
)
CHECKLIST = "**Checklist**\n\n- [ ] is he a fool?"


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def test_no_mail_repeats_the_template_of_the_desk():
    desk = make_desk(template=CHECKLIST, **SHOWN)
    issue = desk.open_ticket(body="My shop is down", **PROVEN)
    assert issue.description == f"My shop is down\n\n{CHECKLIST}"
    write(issue, desk.agent, "Seen.\n/add_email ann@x.example")
    write(issue, desk.agent, "Done.")
    mails = [*sent_to(CUSTOMER), *sent_to("ann@x.example")]
    kinds = ["desk_thank_you", *["desk_note"] * 2, "desk_participant", *["desk_note"] * 2]
    assert [mail.kind for mail in mails] == kinds
    assert all("[My shop is down]" in mail.text for mail in mails)
    assert not any("Checklist" in mail.text + mail.html for mail in mails)


def test_no_mail_repeats_the_description_of_an_issue_that_was_made_a_ticket():
    desk = make_desk(**SHOWN)
    issue = IssueFactory(project=desk.project, author=desk.agent, description="He is a fool.")
    write(issue, desk.agent, f"/convert_to_ticket {CUSTOMER}")
    write(issue, desk.agent, "/add_email ann@x.example")
    write(issue, desk.agent, "Hello")
    mails = [*sent_to(CUSTOMER), *sent_to("ann@x.example")]
    assert [mail.kind for mail in mails] == ["desk_note", "desk_participant", "desk_note"]
    assert not any("fool" in mail.text + mail.html for mail in mails)


def test_what_a_member_adds_to_the_description_is_not_repeated():
    desk = make_desk()
    issue = desk.open_ticket(body="My shop is down", **PROVEN)
    services.edit_item(item=issue, actor=desk.agent, description="He is a fool.\n\nDown")
    write(issue, desk.agent, "/add_email ann@x.example")
    (welcome,) = sent_to("ann@x.example")
    assert "My shop is down" in welcome.text
    assert "fool" not in welcome.text


def test_of_a_ticket_of_an_earlier_version_nothing_is_repeated():
    desk = make_desk(template=CHECKLIST)
    issue = desk.open_ticket(body="My shop is down", **PROVEN)
    Ticket.objects.update(own_words=None)
    write(issue, desk.agent, "/add_email ann@x.example")
    (welcome,) = sent_to("ann@x.example")
    assert "You've been added to ticket" in welcome.text
    assert "shop" not in welcome.text
    assert "Checklist" not in welcome.text


def test_a_canned_reply_quotes_the_requester_alone(client):
    desk = make_desk(template=CHECKLIST)
    CannedReply.objects.create(project=desk.project, title="You", text="%{ISSUE_DESCRIPTION}")
    issue = desk.open_ticket(body="My shop is down")
    client.force_login(desk.agent)
    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid])).text
    canned = page.partition('<pre id="canned-')[2].partition("</pre>")[0]
    assert "My shop is down" in canned
    assert "Checklist" not in canned


def test_placeholders_of_the_template_are_filled_in():
    desk = make_desk(template="See %{ISSUE_URL} of %{ISSUE_PATH}.\n/label ~x\n%{ISSUE_DESCRIPTION}")
    services.create_label(project=desk.project, name="x")
    issue = desk.open_ticket(body="My shop is down\n/close")
    url = f"/{issue.project.path}/-/issues/{issue.iid}/ of {issue}."
    assert url in issue.description
    assert issue.description.count("My shop is down") == 2
    assert "> /close" in issue.description
    assert Issue.objects.get(pk=issue.pk).state == "opened"
    assert Ticket.objects.get(issue=issue).own_words == "My shop is down\n/close"


@pytest.mark.parametrize("name", ["NOTE_TEXT", "UNSUBSCRIBE_URL", "NONSENSE"])
def test_what_a_template_cannot_have_is_an_error_when_it_is_saved(name):
    desk = make_desk().settings
    desk.template = f"See %{{{name}}}"
    with pytest.raises(ValidationError, match=f"There is no placeholder %{{{name}}}"):
        ServiceDesk.full_clean(desk)
