"""The number of statements a message costs does not grow with what is there already."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import reply_keys
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from incoming_email.pipeline import processing, receiving
from tests.factories import IssueFactory, MembershipFactory, NoteFactory
from tests.incoming_email.world import make_smtp_mailbox

pytestmark = pytest.mark.django_db(transaction=True)
TRANSACTION_WORDS = ("BEGIN", "COMMIT")


@pytest.fixture
def mailbox():
    return make_smtp_mailbox()


def replies(issue, members, count, discussion=""):
    """Mails of these people, in turn, in answer to notifications about the issue."""
    routes = reply_keys.reply_routes(recipients=members, item=issue, discussion=discussion)
    for number in range(count):
        member = members[number % len(members)]
        yield (
            f"From: {member.email}\r\nTo: {routes[member.pk].reply_to}\r\nSubject: Re: it\r\n"
            f"Message-ID: <{number}-{issue.pk}@example.com>\r\n\r\nAnswer {number}.\r\n"
        ).encode()


def statements(mailbox, mails, prefix):
    messages = [RawMessage(f"{prefix}:{n}", content) for n, content in enumerate(mails)]
    with CaptureQueriesContext(connection) as queries:
        rows = receiving.store(mailbox, messages, now=timezone.now(), claimed=True)
        processing.process_claimed(rows, clock=timezone.now)
    ended = InboundEmail.objects.filter(pk__in=[row.pk for row in rows])
    assert set(ended.values_list("status", flat=True)) == {Status.PROCESSED}
    return sum(not q["sql"].startswith(TRANSACTION_WORDS) for q in queries.captured_queries)


def test_a_reply_alone_costs_four_statements_and_in_a_group_one(mailbox):
    """A batch costs six, a group five, and one alone locks its row instead of that of a group.

    What psycopg sends as one pipeline is counted once: nobody waits for its parts.
    """
    issue = IssueFactory()
    members = [MembershipFactory(project=issue.project).user for _ in range(3)]
    mails = list(replies(issue, members, 21))
    one = statements(mailbox, mails[:1], "one")
    twenty = statements(mailbox, mails[1:], "twenty")
    assert (one, twenty) == (6 + 1 + 4, 6 + 5 + 20)


def test_what_a_discussion_holds_is_asked_once_a_group(mailbox):
    issue = IssueFactory()
    members = [MembershipFactory(project=issue.project).user for _ in range(3)]
    first = NoteFactory(issue=issue)
    mails = list(replies(issue, members, 21, discussion=first.discussion))
    one = statements(mailbox, mails[:1], "one")
    twenty = statements(mailbox, mails[1:], "twenty")
    assert (one, twenty) == (6 + 1 + 4 + 1, 6 + 5 + 20 + 1)


def test_what_is_there_already_costs_nothing(mailbox):
    issue = IssueFactory()
    member = MembershipFactory(project=issue.project).user
    before = statements(mailbox, replies(issue, [member], 1), "before")
    NoteFactory.create_batch(30, issue=issue)
    MembershipFactory.create_batch(30, project=issue.project)
    other = IssueFactory(project=issue.project)
    after = statements(mailbox, replies(other, [member], 1), "after")
    assert InboundEmail.objects.count() == 2
    assert before == after
