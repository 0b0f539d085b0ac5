"""From of a desk's mail is the address that the desk shows, at which it takes mail."""

import pytest

from issues import services
from issues.models import Issue, Note
from servicedesk.addresses import find_addresses
from tests.incoming_email.world import make_mail, make_smtp_mailbox
from tests.servicedesk.world import CUSTOMER, as_received, make_desk, sent_to

pytestmark = pytest.mark.django_db(transaction=True)
OURS = "letterbox@letterbox.localhost"


def from_of(row):
    (address,) = as_received(row)["From"].addresses
    return address.addr_spec


def test_it_is_the_address_that_customers_write_to():
    desk = make_desk()
    issue = desk.open_ticket()
    services.create_note(item=issue, author=desk.agent, body="Which version?")
    thank_you, note = sent_to(CUSTOMER)
    assert [from_of(row) for row in (thank_you, note)] == [desk.address] * 2
    assert find_addresses(desk.settings).shown == desk.address


def test_the_short_address_where_there_is_one():
    desk = make_desk(key="help")
    make_smtp_mailbox(
        name="desks", address="contact+%{key}@desks.example", purpose="service_desk_email"
    )
    desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    assert from_of(mail) == find_addresses(desk.settings).alias != ""


def test_mail_to_it_is_taken_and_joins_the_thread():
    """Of a program that does not heed Reply-To."""
    desk = make_desk()
    issue = desk.open_ticket()
    (mail,) = sent_to(CUSTOMER)
    assert "+" in mail.headers["Reply-To"]
    row = desk.receive(
        make_mail(
            to=from_of(mail), sender=CUSTOMER, body="Version 3", In_Reply_To=f"<{mail.message_id}>"
        )
    )
    assert (row.issue or row.note.issue) == issue
    assert (Issue.objects.count(), Note.objects.get().body) == (1, "Version 3")


@pytest.mark.parametrize("why", ["off", "no key in the address", "setting"])
def test_else_it_is_that_of_all_our_mail(settings, why):
    desk = make_desk()
    issue = desk.open_ticket()
    if why == "off":
        desk.settings.enabled = False
        desk.settings.save()
    elif why == "setting":
        settings.DESK_FROM_OWN_ADDRESS = False
    else:
        desk.mailbox.address = "support@letterbox.localhost"
        desk.mailbox.save()
    services.create_note(item=issue, author=desk.agent, body="Hello")
    assert from_of(sent_to(CUSTOMER)[-1]) == OURS
