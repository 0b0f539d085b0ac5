"""What the page of an item says of the mails that it was written by."""

import pytest
from django.urls import reverse

from issues.models import Role
from tests.factories import MembershipFactory, UserFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servicedesk.world import CUSTOMER, make_desk

pytestmark = pytest.mark.django_db(transaction=True)

TRUSTED = "mx.example.net"
PROVEN = "Authentication-Results of mx.example.net"


@pytest.fixture
def world():
    world = make_world(trusted_authserv_id=TRUSTED)
    MembershipFactory(
        project=world.issue.project, user=UserFactory(username="guest"), role=Role.GUEST
    )
    return world


def read(client, user, issue):
    client.force_login(user)
    page = client.get(reverse("issue-detail", args=[issue.project.path, issue.iid]))
    return page.content.decode()


def write(world, word="pass", **headers):
    results = f"{TRUSTED}; dmarc={word} header.from={world.member.email.partition('@')[2]}"
    mail = make_mail(
        to=world.reply_address(),
        sender=headers.pop("sender", world.member.email),
        Authentication_Results=results,
        **headers,
    )
    row = world.receive(mail)
    assert row.status == "processed"
    return row


@pytest.mark.parametrize(
    ("word", "label"), [("pass", "sender proven"), ("fail", "sender not proven")]
)
def test_whether_the_sender_was_proven_is_on_the_note_for_the_team(client, world, word, label):
    row = write(world, word)
    page = read(client, world.member, world.issue)
    assert "Came by email" in page
    assert label in page
    assert PROVEN in page
    assert reverse("admin:incoming_email_inboundemail_change", args=[row.pk]) not in page
    guest = read(client, row.project.memberships.get(role=Role.GUEST).user, world.issue)
    assert "Came by email" not in guest
    assert PROVEN not in guest


def test_who_is_behind_a_list_is_said_and_staff_find_the_row(client, world):
    row = write(
        world,
        sender="Ann via Support <support@example.org>",
        List_Id="<support.example.org>",
        X_Original_From=world.member.email,
    )
    page = read(client, UserFactory(is_staff=True, is_superuser=True), world.issue)
    assert "From is support@example.org, an address of a mailing list" in page
    assert reverse("admin:incoming_email_inboundemail_change", args=[row.pk]) in page


def test_what_was_written_on_the_page_says_nothing(client, world):
    assert "Came by email" not in read(client, world.member, world.issue)


def test_a_ticket_says_it_of_its_opening(client):
    desk = make_desk()
    desk.mailbox.trusted_authserv_id = TRUSTED
    desk.mailbox.save()
    issue = desk.open_ticket(
        Authentication_Results=f"{TRUSTED}; dmarc=fail header.from=customer.example"
    )
    page = read(client, desk.agent, issue)
    assert page.count("Came by email") == 1
    assert "sender not proven" in page
    assert CUSTOMER in page
