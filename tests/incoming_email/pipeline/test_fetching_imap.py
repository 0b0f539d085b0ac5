"""Public reports of other systems' mail fetching, tried on a mailbox of ours from end to end."""

from datetime import UTC, datetime, timedelta

import pytest

from incoming_email.inboxes.imap.reader import ImapInbox
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching
from issues import services
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import password_of

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

SEEN = rb"\Seen"


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def answers(world):
    address = world.reply_address()
    sender = world.member.email
    return [make_mail(to=address, sender=sender, body=f"Answer {n}.") for n in range(3)]


@pytest.fixture
def mailbox(world, answers, dovecot, imap_user):
    """Its keys are those of the world's own mailbox, which stands back."""
    Mailbox.objects.update(enabled=False)
    return MailboxFactory(
        address=world.mailbox.address,
        host="localhost",
        port=dovecot.port,
        user=imap_user,
        password=password_of(imap_user),
        delete_after_delivery=False,
    )


def notes(world):
    return list(world.issue.notes.order_by("pk").values_list("body", flat=True))


def test_i02_one_message_that_raises_does_not_take_the_others_with_it(
    world, mailbox, answers, dovecot, imap_user, monkeypatch
):
    """freescout#4159: the others were marked as read and never imported."""
    dovecot.deliver(imap_user, *answers)
    real = services.create_note

    def fail_at_the_second(**fields):
        if "Answer 1" in str(fields):
            raise RuntimeError("a bug")
        return real(**fields)

    monkeypatch.setattr(services, "create_note", fail_at_the_second)
    assert fetching.fetch(mailbox, holder="test") == 3
    assert notes(world) == ["Answer 0.", "Answer 2."]
    assert [row.last_error != "" for row in InboundEmail.objects.order_by("pk")] == [
        *(False, True, False)
    ]

    monkeypatch.undo()
    row = InboundEmail.objects.get(status=Status.PENDING)
    fetching.processing.process(row.pk, clock=lambda: row.next_attempt_at)
    assert notes(world) == ["Answer 0.", "Answer 2.", "Answer 1."]


def test_i16_a_process_that_dies_between_reading_and_storing_has_marked_nothing(
    world, mailbox, answers, dovecot, imap_user, monkeypatch
):
    """mail_room: fetching by RFC822 set \\Seen, and the next start did not see the mail."""
    dovecot.deliver(imap_user, *answers)

    def die(*_args, **_how):
        raise SystemExit

    monkeypatch.setattr(fetching.receiving, "store", die)
    with pytest.raises(SystemExit):
        fetching.fetch(mailbox, holder="first")
    assert set(dovecot.messages(imap_user).values()) == {frozenset()}
    monkeypatch.undo()

    assert fetching.fetch(mailbox, holder="second") == 3
    assert len(notes(world)) == 3


def test_i22_an_outage_of_days_loses_nothing_though_people_read_on(
    world, mailbox, answers, dovecot, imap_user
):
    """chatwoot#10429: the search was for mail since yesterday."""
    fetching.fetch(mailbox, holder="before")
    now = datetime.now(UTC)
    with dovecot.session(imap_user) as client:
        for days, content in zip((4, 3, 0), answers, strict=True):
            client.append("INBOX", content, flags=[SEEN], msg_time=now - timedelta(days=days))

    assert fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="after") == 3
    assert len(notes(world)) == 3


def test_one_broken_mailbox_does_not_keep_the_watcher_from_another(mailbox, monkeypatch):
    """mail_room#82: a network error ended the process with all its mailboxes."""
    broken = MailboxFactory(host="127.0.0.1", port=1)
    visited = []
    monkeypatch.setattr(ImapInbox, "unread", lambda *_: visited.append("read") or iter(()))
    for each in (broken, mailbox):
        try:
            fetching.fetch(each, holder="test")
        except fetching.InboxError:
            visited.append("failed")
    assert visited == ["failed", "read"]
