"""The list of tickets, and what the page of a ticket shows to whom."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from issues import outbox, services
from issues.models import OutgoingEmail, Role, Visibility
from servicedesk.joining import add_people
from servicedesk.models import CannedReply, Participant, ThreadMessage, Ticket
from tests.factories import IssueFactory, MembershipFactory, ProjectFactory, UserFactory
from tests.servicedesk.test_tickets import delivery_report
from tests.servicedesk.world import CUSTOMER, PROVEN, answer, make_desk, sent, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk():
    return make_desk(project=ProjectFactory(visibility=Visibility.PRIVATE))


def list_of(client, desk, query=""):
    return client.get(reverse("ticket-list", args=[desk.project.path]) + query)


def page_of(client, issue):
    return client.get(reverse("issue-detail", args=[issue.project.path, issue.iid]))


def titles(response):
    return [ticket.issue.title for ticket in response.context["tickets"]]


@pytest.mark.parametrize(("role", "status"), [(Role.GUEST, 404), (Role.REPORTER, 200)])
def test_the_list_is_for_reporters(client, desk, role, status):
    client.force_login(MembershipFactory(project=desk.project, role=role).user)
    assert list_of(client, desk).status_code == status


def test_the_list_says_who_asked_whose_word_was_last_and_who_waits(client, desk):
    client.force_login(desk.agent)
    first = desk.open_ticket(subject="First")
    second = desk.open_ticket("dora@customer.example", subject="Second")
    services.create_note(item=first, author=desk.agent, body="Answer")
    services.create_note(item=second, author=desk.agent, body="Secret", internal=True)
    sent()
    newest, oldest = list_of(client, desk).context["tickets"]
    assert (newest.requester, newest.last_comment_by) == ("dora@customer.example (customer)",) * 2
    assert newest.waiting_since is not None
    assert (oldest.requester, oldest.last_comment_by) == (f"{CUSTOMER} (customer)", str(desk.agent))
    assert (oldest.last_comment_is_ours, oldest.waiting_since) == (True, None)


def test_filters_and_search(client, desk):
    client.force_login(desk.agent)
    IssueFactory(project=desk.project, title="No ticket")
    for title in ("Waits", "Waits longer", "Answered", "Closed"):
        desk.open_ticket(subject=title)
    tickets = {ticket.issue.title: ticket for ticket in Ticket.objects.all()}
    services.close_item(item=tickets["Closed"].issue, actor=desk.agent)
    services.create_note(item=tickets["Answered"].issue, author=desk.agent, body="Done")
    sent()
    day_ago = timezone.now() - dt.timedelta(days=1)
    Ticket.objects.filter(pk=tickets["Waits longer"].pk).update(waiting_since=day_ago)

    everything = list_of(client, desk)
    assert titles(everything) == ["Answered", "Waits longer", "Waits"]
    assert {tab.value: tab.total for tab in everything.context["states"]} == {
        "opened": 3,
        "waiting": 2,
        "closed": 1,
        "all": 4,
    }
    assert titles(list_of(client, desk, "?state=waiting")) == ["Waits longer", "Waits"]
    assert titles(list_of(client, desk, "?state=closed")) == ["Closed"]
    assert titles(list_of(client, desk, "?state=all&q=WAITS")) == ["Waits longer", "Waits"]
    assert len(titles(list_of(client, desk, f"?state=all&q={CUSTOMER}"))) == 4
    assert titles(list_of(client, desk, "?state=nonsense&q=closed")) == []


def test_more_tickets_cost_no_more_queries(client, desk, django_assert_max_num_queries):
    client.force_login(desk.agent)

    def count_for(number):
        for _ in range(number):
            issue = desk.open_ticket()
            services.create_note(item=issue, author=desk.agent, body="x")
        with django_assert_max_num_queries(25) as queries:
            list_of(client, desk)
        return len(queries)

    assert count_for(1) == count_for(5)


def test_the_page_shows_participants_mails_and_filled_canned_replies(client, desk):
    client.force_login(desk.agent)
    issue = desk.open_ticket()
    CannedReply.objects.create(project=desk.project, title="Hello", text="About %{ISSUE_PATH}:")
    note = services.create_note(item=issue, author=desk.agent, body="Answer")
    sent()
    OutgoingEmail.objects.filter(kind="desk_thank_you").update(state="sent")
    response = page_of(client, issue)
    ticket = response.context["ticket"]
    assert [person.address for person in ticket.participants] == [CUSTOMER]
    assert [mail.state.value for mail in ticket.mails[f"ticket-{issue.pk}"]] == ["sent"]
    assert [mail.state.value for mail in ticket.mails[f"note-{note.pk}"]] == ["waiting"]
    assert f"About {issue}:</pre>" in response.text
    assert f"Goes by mail to {CUSTOMER}, unless it is internal." in response.text
    assert response.text.count("1 mail outside") == 2


@pytest.mark.parametrize("fields", [{}, PROVEN], ids=["unproven", "proven"])
def test_what_was_not_passed_on_is_told_with_whom_and_why(client, desk, fields):
    client.force_login(desk.agent)
    issue = desk.open_ticket(Message_ID="<first@customer.example>", **fields)
    people = ["ann@customer.example", "bo@customer.example", "late@customer.example"]
    add_people(issue=issue, actor=desk.agent, addresses=people[:2], now=timezone.now())
    issue.ticket.participants.filter(address=people[1]).update(unsubscribed_at=timezone.now())
    desk.write(In_Reply_To="<first@customer.example>", body="Any news?", **fields)
    add_people(issue=issue, actor=desk.agent, addresses=people[2:], now=timezone.now())
    text = page_of(client, issue).text
    assert ("Not passed on to ann@customer.example: nothing proves" in text) is not bool(fields)
    assert ("mails to participants repeat neither its title" in text) is not bool(fields)
    client.force_login(MembershipFactory(project=desk.project, role=Role.GUEST).user)
    type(issue).objects.filter(pk=issue.pk).update(confidential=False)
    assert "nothing proves" not in page_of(client, issue).text.lower()


def test_a_mail_that_came_back_is_shown_as_bounced(client, desk):
    client.force_login(desk.agent)
    issue = desk.open_ticket()
    note = services.create_note(item=issue, author=desk.agent, body="Answer")
    _thank_you, mail = sent_to(CUSTOMER)
    returned = (
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"From: x@example.com\r\nMessage-ID: <{mail.message_id}>\r\n--b--\r\n"
    ).encode()
    report = delivery_report(mail.envelope_sender).replace(b"--b--\r\n", returned)
    desk.receive(report, recipient=mail.envelope_sender)
    ticket = page_of(client, issue).context["ticket"]
    assert [shown.state.value for shown in ticket.mails[f"note-{note.pk}"]] == ["bounced"]
    assert [shown.state.value for shown in ticket.mails[f"ticket-{issue.pk}"]] == ["waiting"]


def test_a_report_about_a_mail_of_somebody_else_marks_none(desk):
    desk.open_ticket()
    other = desk.open_ticket("dora@customer.example")
    mail, theirs = sent_to(CUSTOMER)[0], sent_to("dora@customer.example")[0]
    returned = f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{theirs.message_id}>"
    report = delivery_report(mail.envelope_sender).replace(
        b"--b--", f"{returned}\r\n--b--".encode()
    )
    desk.receive(report, recipient=mail.envelope_sender)
    assert ThreadMessage.objects.exclude(bounced_at=None).count() == 0
    assert Participant.objects.get(ticket=other.pk).bounces == 0


@pytest.mark.parametrize("member", [True, False])
def test_others_see_nothing_of_the_people_outside(client, member):
    desk = make_desk(project=ProjectFactory(visibility=Visibility.INTERNAL), confidential=False)
    issue = desk.open_ticket()
    user = (
        MembershipFactory(project=desk.project, role=Role.GUEST).user if member else UserFactory()
    )
    client.force_login(user)
    response = page_of(client, issue)
    assert response.context["ticket"] is None
    assert "External participants" not in response.text
    assert CUSTOMER not in response.text
    assert "<bdi>Customer</bdi>" in response.text, "the author"


def test_people_are_added_and_removed_on_the_page(client, desk):
    client.force_login(desk.agent)
    issue = desk.open_ticket()
    add = reverse("participant-add", args=[desk.project.path, issue.iid])
    remove = reverse("participant-remove", args=[desk.project.path, issue.iid])
    client.post(add, {"addresses": "ann@customer.example"})
    assert [row.kind for row in sent_to("ann@customer.example")] == ["desk_participant"]
    again = client.post(add, {"addresses": "ann@customer.example"}, follow=True)
    assert "They take part already." in again.text
    assert "Give one or more e-mail addresses." in (
        client.post(add, {"addresses": "ann"}, follow=True).text
    )
    client.post(remove, {"address": CUSTOMER})
    people = issue.ticket.participants.values_list("address", flat=True)
    assert list(people) == ["ann@customer.example"]


def test_a_guest_adds_and_removes_nobody(client, desk):
    issue = desk.open_ticket()
    type(issue).objects.filter(pk=issue.pk).update(confidential=False)
    client.force_login(MembershipFactory(project=desk.project, role=Role.GUEST).user)
    add = reverse("participant-add", args=[desk.project.path, issue.iid])
    remove = reverse("participant-remove", args=[desk.project.path, issue.iid])
    assert client.post(add, {"addresses": "eve@evil.example"}).status_code == 403
    assert client.post(remove, {"address": CUSTOMER}).status_code == 403
    assert issue.ticket.participants.count() == 1


def test_more_mails_cost_no_more_queries(client, desk, django_assert_max_num_queries):
    client.force_login(desk.agent)
    issue = desk.open_ticket()
    page_of(client, issue)  # makes the private address

    def count_for(number):
        for _ in range(number):
            services.create_note(item=issue, author=desk.agent, body="x")
        sent()
        with django_assert_max_num_queries(35) as queries:
            page_of(client, issue)
        return len(queries)

    assert count_for(1) == count_for(6)


def test_the_tab_is_there_for_who_needs_it(client):
    desk = make_desk()
    listing = reverse("issue-list", args=[desk.project.path])
    tab = reverse("ticket-list", args=[desk.project.path])
    for role, shown in ((Role.GUEST, False), (Role.REPORTER, True)):
        client.force_login(MembershipFactory(project=desk.project, role=role).user)
        assert (tab in client.get(listing).text) is shown
    other = MembershipFactory(role=Role.REPORTER)
    client.force_login(other.user)
    bare = client.get(reverse("issue-list", args=[other.project.path])).text
    assert "/-/service_desk/" not in bare


def test_a_comment_on_the_page_answers_the_customer_unless_it_is_internal(client, desk):
    client.force_login(desk.agent)
    issue = desk.open_ticket()
    url = reverse("issue-detail", args=[desk.project.path, issue.iid])
    client.post(url, {"body": "Between us", "internal": "on"})
    client.post(url, {"body": "For you"})
    texts = [row.text for row in sent_to(CUSTOMER)]
    assert "For you" in texts[-1]
    assert not any("Between us" in text for text in texts)
    desk.receive(answer(sent_to(CUSTOMER)[-1], body="Thank you"))
    outbox.deliver_due(now=timezone.now())
    assert "Thank you" in page_of(client, issue).text


def test_a_reply_within_a_discussion_says_too_who_will_read_it(client, desk):
    client.force_login(desk.agent)
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="Public")
    services.create_note(item=issue, author=desk.agent, body="Ours", internal=True)
    text = page_of(client, issue).text
    assert text.count(f"Goes by mail to {CUSTOMER}, unless it is internal.") == 1
    assert text.count(f"Goes by mail to {CUSTOMER}.") == 1
    assert text.count("Your reply will be internal") == 1
