"""A Microsoft 365 mailbox by its row: notes come of it, and a crash neither loses nor doubles."""

from datetime import UTC, datetime, timedelta

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.connection import GraphConnection
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.pipeline import fetching
from tests.incoming_email.pipeline.graph_mailboxes import make_graph_mailbox
from tests.incoming_email.world import make_mail, make_world
from tests.servers.graph import SECRET, refusal

pytestmark = pytest.mark.django_db(transaction=True)

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
COUNT = 3


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def mailbox(world, graph, settings):
    settings.HTTPS_CA_FILE = graph.ca_file
    return make_graph_mailbox(world, graph)


@pytest.fixture(autouse=True)
def waiting(world, graph):
    for number in range(COUNT):
        content = make_mail(
            to=world.reply_address(), sender=world.member.email, body=f"Answer {number}."
        )
        graph.deliver(content, MAY + timedelta(minutes=number))


def assert_each_acted_once(world, graph):
    bodies = world.issue.notes.order_by("pk").values_list("body", flat=True)
    assert list(bodies) == [f"Answer {number}." for number in range(COUNT)]
    assert InboundEmail.objects.count() == COUNT
    assert {each.folder for each in graph.messages.values()} == {"deleteditems"}


def test_mail_in_microsoft_365_becomes_notes(world, graph, mailbox):
    assert fetching.fetch(mailbox, holder="test") == COUNT
    assert_each_acted_once(world, graph)


@pytest.mark.parametrize("deleted", range(COUNT))
def test_a_reader_that_dies_while_it_deletes(world, graph, mailbox, monkeypatch, deleted):
    """What is not processed when it dies is due again for the sweep, so it is told to process."""
    real, calls = GraphConnection.delete, []

    def delete_or_die(connection, message_id):
        calls.append(message_id)
        if len(calls) > deleted:
            raise SystemExit
        real(connection, message_id)

    monkeypatch.setattr(GraphConnection, "delete", delete_or_die)
    with pytest.raises(SystemExit):
        fetching.fetch(mailbox, holder="first")
    monkeypatch.undo()

    assert fetching.fetch(mailbox, holder="second") == 0
    InboundEmail.objects.update(next_attempt_at=MAY, attempts=0)
    for row in InboundEmail.objects.order_by("pk"):
        fetching.processing.process(row.pk)
    assert_each_acted_once(world, graph)


def test_a_pause_that_the_server_wants_is_kept_by_the_poller(graph, mailbox):
    graph.fail("/messages?", refusal(429, "ApplicationThrottled", Retry_After="600"))
    before = datetime.now(UTC)
    with pytest.raises(InboxError):
        fetching.fetch(mailbox, holder="test")

    mailbox.refresh_from_db()
    assert mailbox.next_poll_at > before + timedelta(seconds=599)
    assert SECRET not in mailbox.last_error
    assert not Mailbox.objects.to_poll(datetime.now(UTC)).exists()
