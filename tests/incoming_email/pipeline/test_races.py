"""Two workers at once: one effect, whoever is first (DESIGN: the row is the lock)."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from incoming_email.inboxes.base import RawMessage
from incoming_email.keys import reply_keys, sender_tokens
from incoming_email.models import InboundEmail, SenderToken
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing, receiving
from issues.models import Note
from tests.factories import IssueFactory, MembershipFactory, UserFactory
from tests.incoming_email.world import make_smtp_mailbox
from tests.waiting import PATIENCE_SECONDS, join_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailbox():
    return make_smtp_mailbox()


@pytest.fixture
def reply(mailbox):
    """A reply of a member to a notification about an issue."""
    issue = IssueFactory()
    member = MembershipFactory(project=issue.project).user
    route = reply_keys.reply_routes(recipients=[member], item=issue, discussion="")[member.pk]
    return (
        f"From: {member.email}\r\nTo: {route.reply_to}\r\nSubject: Re: it\r\n"
        "Message-ID: <once@example.com>\r\n\r\nOnly once.\r\n"
    ).encode()


def at_once(*works):
    """Run all at the same moment in threads; raise what one of them raised."""
    start, faults = threading.Barrier(len(works)), []

    def run(work):
        try:
            start.wait(PATIENCE_SECONDS)
            work()
        except Exception as fault:  # noqa: BLE001  (shown by the assertion below)
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert faults == []


def test_two_workers_on_one_row_make_one_note(mailbox, reply):
    (row,) = receiving.store(mailbox, [RawMessage("1:1", reply)], now=timezone.now(), claimed=False)
    at_once(*[lambda: processing.process(row.pk)] * 4)
    row.refresh_from_db()
    assert (Note.objects.count(), row.status, row.attempts) == (1, Status.PROCESSED, 1)


def test_two_copies_at_once_act_once(mailbox, reply):
    rows = receiving.store(
        mailbox,
        [RawMessage(f"1:{number}", reply) for number in range(4)],
        now=timezone.now(),
        claimed=False,
    )
    at_once(*[lambda pk=row.pk: processing.process(pk) for row in rows])
    ended = sorted(InboundEmail.objects.values_list("status", "reason"))
    assert ended == [(Status.IGNORED, Reason.DUPLICATE)] * 3 + [(Status.PROCESSED, "")]
    assert Note.objects.count() == 1


def test_two_fetchers_store_a_message_once(mailbox, reply):
    def store():
        receiving.store(mailbox, [RawMessage("1:1", reply)], now=timezone.now(), claimed=True)

    at_once(*[store] * 4)
    assert InboundEmail.objects.count() == 1


def test_two_first_pages_of_a_person_show_the_same_token():
    user, shown = UserFactory(), []
    at_once(*[lambda: shown.append(sender_tokens.ensure_token(user=user, now=timezone.now()))] * 8)
    assert set(shown) == {SenderToken.objects.get().token}
    assert len(shown) == 8
