"""seed_demo switches the desk of the demo project on and says where customers write to."""

import io
import json

import pytest
from django.core.management import call_command

from incoming_email.demo import DEMO_DESK
from incoming_email.models import InboundEmail
from issues.models import Project
from servicedesk.models import ServiceDesk, Ticket
from tests.providing import provide

pytestmark = pytest.mark.django_db(transaction=True)


def seed(*options):
    out = io.StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def test_mail_to_the_printed_address_becomes_a_ticket(tmp_path):
    address = json.loads(seed("--json"))["service_desk"]["address"]
    project = Project.objects.get()
    assert address == f"incoming+acme-shop-{project.pk}-issue-@mail.letterbox.localhost"
    mail = tmp_path / "mail"
    mail.write_text(f"From: carl@customer.example\nTo: {address}\nSubject: Help\n\nIt squeaks.\n")
    call_command("receive_email", str(mail), stdout=io.StringIO())
    assert InboundEmail.objects.get().outcome == "ticket acme/shop#3"
    assert Ticket.objects.latest("pk").requester == "carl@customer.example"


def test_twice_changes_nothing_and_a_desk_that_was_switched_off_stays_off():
    first = seed("--json")
    ServiceDesk.objects.update(enabled=False)
    assert seed("--json") == first
    assert not ServiceDesk.objects.get().enabled


def test_people_read_the_address_too(monkeypatch):
    assert "-issue-@mail.letterbox.localhost opens a ticket for anybody" in seed()
    provide(monkeypatch, DEMO_DESK)
    assert json.loads(seed("--json"))["service_desk"] is None
