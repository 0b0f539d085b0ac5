"""A desk's own address in a real browser: set up, refused, verified, on, and written from."""

import smtplib

import pytest
from django.utils import timezone

from incoming_email import tasks
from incoming_email.models import InboundEmail
from issues import outbox
from issues.models import OutgoingEmail
from servicedesk.custom_email import watch_servers
from servicedesk.models import CustomEmail, ServiceDesk
from tests.journeys.desk_browser import listener, look, page
from tests.journeys.test_desk_in_browser import CUSTOMER, send
from tests.servicedesk.customer_server import (
    ADDRESS,
    PASSWORD,
    forwarded_challenge,
    running_customer_server,
)

__all__ = ["listener", "page"]

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server(settings):
    settings.DESK_SMTP_LOCAL_NETWORKS = True
    with running_customer_server() as server:
        yield server


def fill_in(page, server, password):
    page.get_by_label("Address", exact=True).fill(ADDRESS)
    page.get_by_label("SMTP host").fill("127.0.0.1")
    page.get_by_label("Port", exact=True).fill(str(server.port))
    page.get_by_label("Encryption").select_option("none")
    page.get_by_label("User (optional)").fill("support")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Save and verify").click()


def forward(port, server):
    """What the mail server of the domain does: hands on what came to its address."""
    project = ServiceDesk.objects.get().project
    to = f"incoming+acme-shop-{project.pk}-issue-@letterbox.localhost"
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(ADDRESS, [to], server.forwarded())
        client.sendmail(ADDRESS, [to], forwarded_challenge())
    for row in InboundEmail.objects.order_by("-pk")[:2]:
        tasks.process_inbound_email(inbound_email_id=row.pk)


def test_from_an_empty_form_to_a_mail_from_the_address(page, listener, server, tmp_path):
    page.get_by_role("link", name="Service desk").click()
    page.get_by_role("link", name="Switch it on in the settings").click()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("link", name="Custom address").click()
    page.get_by_role("heading", name="How it works").wait_for()
    look(page, tmp_path, "address-empty")

    fill_in(page, server, "wrong")
    page.get_by_text("refused user and password").wait_for()
    assert "535 " in page.locator(".message.error code").inner_text()
    look(page, tmp_path, "address-refused")

    fill_in(page, server, PASSWORD)
    page.get_by_text("The mail is sent. It must come back to the desk now.").wait_for()
    page.get_by_text("Load this page again").wait_for()
    assert page.get_by_label("Password").input_value() == ""
    look(page, tmp_path, "address-awaited")

    forward(listener, server)
    page.reload()
    page.get_by_text("finished", exact=True).wait_for()
    page.get_by_text("Off: the desk writes from our address.").wait_for()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_text("The desk writes from its own address.").wait_for()
    look(page, tmp_path, "address-on")

    # The customer writes to the address itself; the thank-you comes from it.
    send(listener, ADDRESS, subject="The door squeaks", body="Since Monday.")
    outbox.deliver_due(now=timezone.now())
    assert server.messages[-1]["From"] == f"Shop <{ADDRESS}>"
    assert OutgoingEmail.objects.get(recipient=CUSTOMER).sent_at is not None


def test_a_server_that_fails_later_is_shown(page, listener, server, tmp_path):
    page.get_by_role("link", name="Service desk").click()
    page.get_by_role("link", name="Switch it on in the settings").click()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("link", name="Custom address").click()
    fill_in(page, server, PASSWORD)
    page.get_by_text("The mail is sent.").wait_for()
    forward(listener, server)
    page.reload()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_text("The desk writes from its own address.").wait_for()

    CustomEmail.objects.update(password="changed at the server")
    send(listener, ADDRESS, subject="The door squeaks", body="Since Monday.")
    outbox.deliver_due(now=timezone.now())
    watch_servers(now=timezone.now())
    page.reload()
    page.get_by_text("1 mail waits: the mail server").wait_for()
    look(page, tmp_path, "address-failing")

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Save and verify").click()
    page.get_by_text("The mail is sent.").wait_for()
