"""Who answers is assigned where the desk is set so; the list shows whose tickets are whose; a
closed ticket is taken up in a new one."""

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import services
from issues.models import Issue, Role, State, Visibility
from servicedesk.following_up import follow_up
from servicedesk.models import Ticket
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory, UserFactory
from tests.servicedesk.world import CUSTOMER, PROVEN, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk():
    project = ProjectFactory(visibility=Visibility.PRIVATE)
    return make_desk(project=project, answer_assigns=True)


def names(issue):
    return set(issue.assignees.values_list("username", flat=True))


def test_who_answers_first_is_assigned(desk):
    issue, other = desk.open_ticket(), MembershipFactory(project=desk.project).user
    services.create_note(item=issue, author=other, body="For us", internal=True)
    sent()
    assert names(issue) == set()
    services.create_note(item=issue, author=desk.agent, body="Answer")
    sent()
    services.create_note(item=issue, author=other, body="And more")
    sent()
    assert names(issue) == {desk.agent.username}
    assert issue.notes.filter(body=f"assigned this to @{desk.agent.username}").count() == 1


def test_not_where_the_desk_is_not_set_so_nor_a_guest_nor_the_desk_itself(desk):
    issue = desk.open_ticket()
    Issue.objects.update(confidential=False)
    issue.refresh_from_db()
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    services.create_note(item=issue, author=guest, body="Hello")
    services.mark_duplicate(
        item=issue, actor=desk.agent, original=IssueFactory(project=desk.project)
    )
    plain = make_desk(mailbox=desk.mailbox)
    ticket = plain.open_ticket()
    services.create_note(item=ticket, author=plain.agent, body="Answer")
    sent()
    assert names(issue) == names(ticket) == set()


def test_the_list_has_mine_and_those_of_nobody(client, desk):
    mine, nobodys, others = [desk.open_ticket(subject=name) for name in ("M", "N", "O")]
    mine.assignees.add(desk.agent, UserFactory())
    others.assignees.add(UserFactory())
    client.force_login(desk.agent)
    url = reverse("ticket-list", args=[desk.project.path])

    def listed(query):
        return [ticket.issue for ticket in client.get(url + query).context["tickets"]]

    assert listed("?whose=mine") == [mine]
    assert listed("?whose=nobodys&state=waiting") == [nobodys]
    assert listed("?whose=nonsense") == listed("") == [others, nobodys, mine]
    tabs = client.get(f"{url}?whose=mine").context["states"]
    assert {tab.value: tab.total for tab in tabs}["opened"] == 1


def test_a_closed_ticket_is_taken_up_in_a_new_one(client, desk):
    issue = desk.open_ticket(subject="The door", **PROVEN)
    client.force_login(desk.agent)
    page = reverse("issue-detail", args=[desk.project.path, issue.iid])
    url = reverse("ticket-follow-up", args=[desk.project.path, issue.iid])
    assert url not in client.get(page).text
    assert "Only a closed ticket has a follow-up." in client.post(url, follow=True).text
    services.close_item(item=issue, actor=desk.agent)
    assert url in client.get(page).text
    made = client.post(url, follow=True).context["item"]
    assert (made.title, made.confidential, made.state) == ("The door", True, State.OPENED)
    ticket = Ticket.objects.get(pk=made.pk)
    assert (ticket.requester, ticket.waiting_since) == (CUSTOMER, None)
    assert [mail.kind for mail in sent_to(CUSTOMER)] == ["desk_thank_you"]
    services.create_note(item=made, author=desk.agent, body="Does it still squeak?")
    assert "Does it still squeak?" in sent_to(CUSTOMER)[-1].text
    assert made.notes.filter(body=f"opened this as a follow-up of #{issue.iid}").exists()
    assert issue.notes.filter(body=f"opened #{made.iid} as a follow-up").exists()


def test_a_follow_up_takes_a_reporter_and_a_ticket(desk):
    issue = desk.open_ticket()
    services.close_item(item=issue, actor=desk.agent)
    guest = MembershipFactory(project=desk.project, role=Role.GUEST).user
    with pytest.raises(services.NotVisible):
        follow_up(issue=issue, actor=guest, now=timezone.now())
    plain = IssueFactory(project=desk.project, state=State.CLOSED)
    with pytest.raises(services.Invalid):
        follow_up(issue=plain, actor=desk.agent, now=timezone.now())
    assert Ticket.objects.count() == 1
