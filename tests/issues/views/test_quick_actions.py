"""Quick actions on the pages: what the writer sees, and the help page."""

import html

import pytest
from django.urls import reverse

from issues.models import Issue, Note, Role, State
from issues.quick_actions import find_actions
from tests.factories import IssueFactory, MembershipFactory, MergeRequestFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    return IssueFactory(project__path="acme/shop")


def url_of(item):
    page = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
    return reverse(page, args=[item.project.path, item.iid])


def log_in(client, project, role=Role.DEVELOPER):
    user = MembershipFactory(project=project, role=role).user
    client.force_login(user)
    return user


def comment(client, item, body):
    """Where the form leads, and what the page there says."""
    response = client.post(url_of(item), {"body": body}, follow=True)
    return response.redirect_chain[-1][0], html.unescape(response.content.decode())


def test_a_comment_of_commands_only_makes_no_note(client, issue):
    log_in(client, issue.project)

    target, page = comment(client, issue, "/close\r\n/title The door squeaks")

    issue.refresh_from_db()
    assert (issue.state, issue.title) == (State.CLOSED, "The door squeaks")
    assert not Note.objects.filter(system=False).exists()
    assert target == url_of(issue)
    assert "Done: /close · /title The door squeaks" in page


def test_text_and_commands_of_one_comment(client, issue):
    log_in(client, issue.project)

    target, page = comment(client, issue, "Done now.\r\n\r\n/close\r\n")

    note = Note.objects.get(system=False)
    assert note.body == "Done now."
    assert target == f"{url_of(issue)}?note={note.pk}#note-{note.pk}"
    assert "Done: /close" in page


def test_the_writer_is_told_what_was_refused_and_why(client, issue):
    log_in(client, issue.project, Role.GUEST)

    _target, page = comment(client, issue, "/lock\n/colse\n<b>/close</b>")

    assert (
        "“/lock” was not carried out. Your role in the project does not include this. Ask one of"
        " its maintainers." in page
    )
    assert "“/colse” was not carried out. There is no such quick action; is /close meant?" in page
    assert "Done:" not in page
    issue.refresh_from_db()
    assert issue.locked is False


def test_what_was_written_is_shown_as_text(client, issue):
    log_in(client, issue.project)
    response = client.post(url_of(issue), {"body": "/title <b>bold</b> &amp;"}, follow=True)
    page = response.content.decode()
    assert "Done: /title &lt;b&gt;bold&lt;/b&gt; &amp;amp;" in page


def test_a_reply_in_a_discussion_may_command_too(client, issue):
    log_in(client, issue.project)
    first = Note.objects.create(issue=issue, author=issue.author, body="Hm")
    client.post(url_of(issue), {"body": "Yes\n/close", "discussion": first.discussion})
    note = Note.objects.get(system=False, body="Yes")
    assert note.discussion == first.discussion
    issue.refresh_from_db()
    assert issue.state == State.CLOSED


def test_merge_requests_take_their_own_commands(client):
    merge_request = MergeRequestFactory()
    log_in(client, merge_request.project)
    _target, page = comment(client, merge_request, "/draft\n/target_branch next\n/confidential")
    merge_request.refresh_from_db()
    assert (merge_request.draft, merge_request.target_branch) == (True, "next")
    assert "It is for issues only, and this is a merge request." in page


def test_a_new_issue_with_commands(client, issue):
    user = log_in(client, issue.project)
    form = {"title": "It squeaks", "description": "Loudly.\n/assign me\n/assign @ghost"}

    response = client.post(reverse("issue-new", args=["acme/shop"]), form, follow=True)

    made = Issue.objects.latest("pk")
    assert (made.description, list(made.assignees.all())) == ("Loudly.", [user])
    page = html.unescape(response.content.decode())
    assert f"Issue #{made.iid} is open." in page
    assert "Done: /assign me" in page
    assert "“/assign @ghost” was not carried out. Nobody is named @ghost." in page


def test_the_help_page_tells_of_every_quick_action_to_everybody(client):
    page = html.unescape(client.get(reverse("quick-actions")).content.decode())
    for action in find_actions().values():
        assert f"<code>{action.usage}</code>" in page
        assert str(action.description) in page
    assert page.count("<dt><code>") == len(find_actions())


def test_the_help_page_in_korean(client):
    page = client.get(reverse("quick-actions"), headers={"accept-language": "ko"})
    assert "<h1>빠른 작업</h1>" in page.content.decode()
    assert "이슈와 병합 요청" in page.content.decode()


def test_both_forms_lead_to_the_help_page(client, issue):
    log_in(client, issue.project)
    link = f'href="{reverse("quick-actions")}"'
    for url in (url_of(issue), reverse("issue-new", args=["acme/shop"])):
        assert client.get(url).content.decode().count(link) == 1


def test_a_project_of_the_same_name_keeps_its_pages(client):
    issue = IssueFactory(project__path="help/quick-actions")
    log_in(client, issue.project)
    assert client.get(url_of(issue)).status_code == 200
