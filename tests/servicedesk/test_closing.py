"""A ticket that is a duplicate, and one that is to be confidential no longer."""

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import quick_actions, services
from issues.marked_text import typed
from issues.models import Issue, Role, Visibility
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
SENTENCE = "We are working on this in another request already"


@pytest.fixture
def desk():
    return make_desk(project=ProjectFactory(visibility=Visibility.PRIVATE))


def write(issue, author, body):
    return quick_actions.write_note(item=issue, author=author, body=typed(body), now=timezone.now())


def test_the_customer_hears_of_a_duplicate_once_and_not_of_the_other(desk):
    first, issue = desk.open_ticket("dora@customer.example"), desk.open_ticket(**PROVEN)
    other = IssueFactory(project=desk.project)
    for command in (f"/duplicate #{first.iid}", f"/duplicate #{first.iid}"):
        assert write(issue, desk.agent, command).refused == ()
    write(issue, desk.agent, f"/duplicate #{other.iid}")
    (mail,) = [mail for mail in sent_to(CUSTOMER) if SENTENCE in mail.text]
    assert f"#{first.iid}" not in mail.text
    assert issue.notes.filter(body__startswith=SENTENCE, internal=False).count() == 1
    assert SENTENCE not in "".join(mail.text for mail in sent_to("dora@customer.example"))


def test_members_get_one_mail_of_it(desk):
    issue, other = desk.open_ticket(), IssueFactory(project=desk.project)
    reader = MembershipFactory(project=desk.project, role=Role.REPORTER).user
    services.subscribe(user=reader, item=issue)
    sent()
    write(issue, desk.agent, f"/duplicate #{other.iid}")
    mail = sent_to(reader.email)[-1]
    assert SENTENCE in mail.text


def test_an_issue_that_is_no_ticket_is_closed_as_before(desk):
    issue, other = IssueFactory.create_batch(2, project=desk.project)
    write(issue, desk.agent, f"/duplicate #{other.iid}")
    assert list(issue.notes.values_list("body", flat=True)) == [
        f"closed this as a duplicate of #{other.iid}"
    ]


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.INTERNAL])
def test_a_ticket_is_confidential_no_longer(visibility):
    issue = make_desk(project=ProjectFactory(visibility=visibility)).open_ticket()
    reporter = MembershipFactory(project=issue.project, role=Role.REPORTER).user
    assert write(issue, reporter, "/confidential off").refused == ()
    assert not Issue.objects.get(pk=issue.pk).confidential
    assert issue.notes.filter(body="made this visible to everybody in the project").exists()


def test_that_of_a_public_project_stays_confidential(client):
    desk = make_desk()
    issue = desk.open_ticket()
    (refusal,) = write(issue, desk.agent, "/confidential off").refused
    assert refusal.why.startswith("The project is public, and everybody would read the ticket.")
    client.force_login(desk.agent)
    url = reverse("issue-action", args=[desk.project.path, issue.iid, "visible"])
    assert "It stays confidential." in client.post(url, follow=True).text
    assert Issue.objects.get(pk=issue.pk).confidential


def test_by_the_button_on_the_page(client, desk):
    issue = desk.open_ticket()
    page = reverse("issue-detail", args=[desk.project.path, issue.iid])
    client.force_login(desk.agent)
    for action, confidential in (("visible", False), ("confidential", True)):
        url = reverse("issue-action", args=[desk.project.path, issue.iid, action])
        assert f'action="{url}"' in client.get(page).text
        assert client.post(url).status_code == 302
        assert Issue.objects.get(pk=issue.pk).confidential is confidential
    Issue.objects.update(confidential=False)
    client.force_login(MembershipFactory(project=desk.project, role=Role.GUEST).user)
    assert client.post(url).status_code == 403
