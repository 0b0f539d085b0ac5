"""A thousand tickets with ten people each: what one comment costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from issues import services
from issues.models import Issue, OutgoingEmail
from issues.notifications import fan_out_owed
from servicedesk.models import Participant, ThreadMessage, Ticket
from tests.servicedesk.world import make_desk, sent

pytestmark = pytest.mark.django_db(transaction=True)


def make_tickets(desk, count):
    now = timezone.now()
    first = desk.open_ticket()
    bot = first.author
    issues = Issue.objects.bulk_create(
        Issue(project=desk.project, iid=n, title=f"T{n}", author=bot, external_author="x@e.example")
        for n in range(100, 100 + count)
    )
    tickets = Ticket.objects.bulk_create(Ticket(issue=i, requester="x@e.example") for i in issues)
    people = Participant.objects.bulk_create(
        Participant(ticket=t, address=f"p{n}@t{t.pk}.example", joined_at=now)
        for t in tickets
        for n in range(10)
    )
    ThreadMessage.objects.bulk_create(
        ThreadMessage(
            ticket_id=p.ticket_id,
            message_id=f"m{p.pk}@e.example",
            participant=p,
            from_outside=False,
            created_at=now,
        )
        for p in people
    )
    return issues


def comment(desk, issue):
    services.create_note(item=issue, author=desk.agent, body="Hello")
    before = OutgoingEmail.objects.count()
    with CaptureQueriesContext(connection) as queries:
        fan_out_owed(now=timezone.now())
    return len(queries), OutgoingEmail.objects.count() - before


@pytest.mark.slow
def test_one_comment_costs_ten_rows_and_the_same_queries_in_a_thousand_tickets():
    desk = make_desk()
    (lonely,) = make_tickets(desk, 1)
    sent()
    alone = comment(desk, lonely)
    Issue.objects.filter(iid__gte=100).delete()
    issues = make_tickets(desk, 1000)
    sent()
    among = comment(desk, issues[500])
    assert among == alone
    assert among[1] == 10
