"""An answer to a deleted ticket or issue: who has its key is told, and nobody else learns of it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incoming_email.models import ReplyKey, RetiredReplyKey
from incoming_email.outcomes import Reason, Status
from incoming_email.upkeep.erasing import erase, find_person
from issues import services
from issues.models import Issue, MergeRequest, OutgoingEmail, Role
from tests.factories import MembershipFactory, MergeRequestFactory, ProjectFactory
from tests.incoming_email.world import make_mail
from tests.servicedesk.world import CUSTOMER, answer, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk():
    return make_desk()


def notices():
    return list(OutgoingEmail.objects.filter(kind="rejection").order_by("pk"))


def ended(row):
    return row.status, row.reason


def test_a_customer_is_told_once(desk):
    desk.open_ticket().delete()
    (thanks,) = sent_to(CUSTOMER)
    rows = [desk.receive(answer(thanks, body=f"Hello {n}?")) for n in range(2)]
    assert {ended(row) for row in rows} == {(Status.REJECTED, Reason.DELETED)}
    assert rows[0].project == desk.project
    (notice,) = notices()
    assert notice.recipient == CUSTOMER
    assert "has been deleted" in notice.text
    assert "It is broken" not in notice.subject + notice.text, "From is not proven"


def test_the_team_sees_it_once_on_the_list_of_tickets(desk, client):
    desk.open_ticket()
    issue = desk.open_ticket(sender="dan@customer.example")
    url = reverse("ticket-list", args=[desk.project.path])
    client.force_login(desk.agent)
    (thanks,) = sent_to("dan@customer.example")
    iid = issue.iid
    Issue.objects.all().delete()
    assert "deleted" not in client.get(url).text
    for number in range(2):
        desk.receive(answer(thanks, body=f"Hello {number}?"))
    page = client.get(url).text
    assert page.count(f"dan@customer.example answered ticket #{iid} (") == 1
    assert "/convert_to_ticket dan@customer.example." in page
    assert CUSTOMER not in page
    RetiredReplyKey.objects.update(answered_at=timezone.now() - timedelta(days=31))
    assert "deleted" not in client.get(url).text


def test_a_stranger_with_the_key_shows_nothing_to_the_team(desk, client):
    desk.open_ticket().delete()
    (thanks,) = sent_to(CUSTOMER)
    desk.receive(answer(thanks, body="Hello?", sender="eve@x.example"))
    client.force_login(desk.agent)
    assert "deleted" not in client.get(reverse("ticket-list", args=[desk.project.path])).text


def test_of_a_ticket_that_an_earlier_version_deleted(desk, client):
    desk.open_ticket().delete()
    RetiredReplyKey.objects.update(iid=None, answered_at=timezone.now())
    client.force_login(desk.agent)
    page = client.get(reverse("ticket-list", args=[desk.project.path])).text
    assert f"{CUSTOMER} answered a ticket (" in page


def test_a_member_is_told(desk):
    member = MembershipFactory(project=desk.project, role=Role.DEVELOPER).user
    issue = desk.open_ticket()
    services.subscribe(user=member, item=issue)
    services.create_note(item=issue, author=desk.agent, body="Look")
    told = sent_to(member.email)[-1]
    Issue.objects.filter(pk=issue.pk).delete()
    row = desk.receive(answer(told, body="Yes."))
    assert ended(row) == (Status.REJECTED, Reason.DELETED)
    (notice,) = notices()
    assert (notice.recipient, notice.subject) == (member.email, f"Not accepted: {told.subject}")


@pytest.mark.parametrize("sender", ["eve@x.example", "agent"])
def test_nobody_else_learns_that_there_was_something(desk, sender):
    desk.open_ticket().delete()
    (thanks,) = sent_to(CUSTOMER)
    sender = desk.agent.email if sender == "agent" else sender
    row = desk.receive(answer(thanks, body="Hello?", sender=sender))
    assert ended(row) == (Status.REJECTED, Reason.UNKNOWN_ADDRESS)
    never = desk.receive(
        make_mail(to="incoming+0123456789abcdefghijklmno@letterbox.localhost", sender=sender)
    )
    assert ended(never) == ended(row)
    assert not [notice for notice in notices() if "deleted" in notice.text]


def test_who_writes_to_the_desk_itself_gets_a_new_ticket(desk):
    desk.open_ticket().delete()
    (thanks,) = sent_to(CUSTOMER)
    row = desk.write(In_Reply_To=f"<{thanks.message_id}>", References=thanks.headers["References"])
    assert (row.status, row.handler) == (Status.PROCESSED, "ticket")


def test_who_has_no_account_but_the_key_hears_of_a_locked_ticket(desk):
    issue = desk.open_ticket()
    services.set_locked(item=issue, actor=desk.agent, locked=True)
    row = desk.receive(answer(sent_to(CUSTOMER)[-1], body="Hello?"))
    assert ended(row) == (Status.REJECTED, Reason.LOCKED)
    assert [notice.recipient for notice in notices()] == [CUSTOMER]


def test_of_a_deleted_project_nothing_is_kept(desk):
    desk.open_ticket()
    desk.project.delete()
    assert not ReplyKey.objects.exists()
    assert not RetiredReplyKey.objects.exists()


def test_of_a_merge_request_and_of_a_person_who_is_erased(desk):
    project = ProjectFactory()
    merge_request = MergeRequestFactory(project=project)
    member = MembershipFactory(project=project).user
    ReplyKey.objects.create(recipient=member, merge_request=merge_request)
    desk.open_ticket().delete()
    MergeRequest.objects.all().delete()
    theirs = RetiredReplyKey.objects.values_list("recipient", "external_email")
    assert (member.pk, "") in theirs
    assert (None, CUSTOMER) in theirs
    for name in (CUSTOMER, member.username):
        erase(find_person(name), by=None, now=merge_request.created_at)
    assert not RetiredReplyKey.objects.filter(recipient=member).exists()
    assert not RetiredReplyKey.objects.filter(external_email=CUSTOMER).exists()
