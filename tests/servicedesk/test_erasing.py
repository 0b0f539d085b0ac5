"""A customer who is erased leaves every ticket."""

import pytest
from django.utils import timezone

from incoming_email import erasing
from servicedesk.models import Participant, Ticket
from tests.factories import IssueFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def test_customer_leaves_every_ticket_and_others_stay():
    issue = IssueFactory(author=None, external_author="Cleo@Example.org")
    ticket = Ticket.objects.create(issue=issue, requester="Cleo@Example.org")
    for address in ("Cleo@Example.org", "bob@example.org"):
        Participant.objects.create(ticket=ticket, address=address, joined_at=NOW)
    person = erasing.find_person("cleo@example.org")
    counts = dict(erasing.erase(person, by=None, now=NOW, dry_run=True).counts)
    assert Participant.objects.count() == 2
    assert dict(erasing.erase(person, by=None, now=NOW).counts) == counts
    assert counts == {"servicedesk": 2, "issues by address": 1}
    ticket.refresh_from_db()
    assert ticket.requester == ""
    assert Participant.objects.get().address == "bob@example.org"
