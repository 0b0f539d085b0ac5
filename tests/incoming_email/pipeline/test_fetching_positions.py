"""How far a mailbox has been read: after a cut, new ids, another folder, a pause, a new start."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.opening import open_inbox
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching, receiving
from tests.incoming_email.factories import MailboxFactory
from tests.servers.dovecot import password_of
from tests.servers.fake_imap import DROP, PASSWORD, FakeImap
from tests.servers.faulty_link import FaultyLink
from tests.servers.reading import mail, mark_of

pytestmark = pytest.mark.django_db(transaction=True)
SEEN, DELETED = "\\Seen", "\\Deleted"
TAKEN = {SEEN, DELETED}
YEAR = timedelta(days=365)


@pytest.fixture
def server():
    """Mail that people read before the mailbox began."""
    with FakeImap({1: mail("old")}) as server:
        server.flags[1] = {SEEN}
        yield server


@pytest.fixture
def mailbox(server):
    return MailboxFactory(
        host="127.0.0.1", port=server.port, user="user@example.test", password=PASSWORD
    )


def fetch(mailbox):
    return fetching.fetch(Mailbox.objects.get(pk=mailbox.pk), holder="test")


def test_mail_that_is_opened_after_a_first_reading_was_cut_is_taken(server, mailbox):
    for number in range(6):
        server.add(mail(f"unread {number}"))
    server.script("RFC822.SIZE", b"", then=DROP)
    server.script("LOGIN", b"TAG OK done\r\n")
    server.script("LOGIN", b"", then=DROP)
    with pytest.raises(InboxError):
        fetch(mailbox)
    server.add(mail("opened by somebody"), SEEN)

    assert fetch(mailbox) == 7
    assert server.flags == {1: {SEEN}} | dict.fromkeys(range(2, 9), TAKEN)


def test_mail_that_is_opened_beside_many_unreadable_messages_is_taken(server, mailbox):
    for number in range(12):
        server.add(mail(f"unreadable {number}"))
    server.script("BODY.PEEK", b"TAG OK nothing\r\n")
    assert fetch(mailbox) == 0
    server.add(mail("opened by somebody"), SEEN)

    assert fetch(mailbox) == 1
    InboundEmail.objects.filter(status=Status.FAILED).update(next_attempt_at=timezone.now())
    assert [fetch(mailbox) for _ in range(3)] == [5, 5, 2]
    assert server.flags == {1: {SEEN}} | dict.fromkeys(range(2, 15), TAKEN)


@pytest.fixture
def on_dovecot(dovecot, imap_user):
    """A mailbox on a real server that only marks what it took in."""
    return MailboxFactory(
        host="localhost",
        port=dovecot.port,
        user=imap_user,
        password=password_of(imap_user),
        delete_after_delivery=False,
    )


@pytest.mark.services
def test_a_first_reading_whose_connection_is_cut_goes_on(
    dovecot, imap_user, on_dovecot, monkeypatch
):
    dovecot.append(imap_user, mail("old"), mail("one"), mail("two"))
    dovecot.flag(imap_user, [1], b"\\Seen")
    real = receiving.store
    with FaultyLink(dovecot.port) as link:

        def store_and_cut(*given, **options):
            rows = real(*given, **options)
            link.cut()
            return rows

        Mailbox.objects.update(port=link.port)
        monkeypatch.setattr(receiving, "store", store_and_cut)
        with pytest.raises(InboxError):
            fetch(on_dovecot)
        monkeypatch.undo()
        dovecot.append(imap_user, mail("opened by somebody"))
        dovecot.flag(imap_user, [2, 4], b"\\Seen")

        assert fetch(on_dovecot) == 1
    assert InboundEmail.objects.count() == 3


@pytest.mark.services
def test_new_ids_bring_nothing_twice_and_touch_nothing_that_people_read(
    dovecot, imap_user, on_dovecot
):
    year_ago = timezone.now() - YEAR
    with dovecot.session(imap_user) as client:
        client.append("INBOX", mail("old"), flags=[SEEN], msg_time=year_ago)
        client.append("INBOX", mail("unread"))
    assert fetch(on_dovecot) == 1
    Mailbox.objects.update(delete_after_delivery=True)
    with dovecot.session(imap_user) as client:
        client.append("INBOX", mail("opened"), flags=[SEEN])
        client.append("INBOX", mail("unread, of last year"), msg_time=year_ago)
    with dovecot.session(imap_user) as client:
        client.remove_flags([2], [SEEN])
    dovecot.set_uid_validity(imap_user, dovecot.uid_validity(imap_user) + 1)

    assert fetch(on_dovecot) == 2
    assert InboundEmail.objects.count() == 3
    assert dovecot.messages(imap_user)[1] == {b"\\Seen"}
    assert fetch(on_dovecot) == 0


OTHER_FOLDERS = ({"user": "other@example.test"}, {"folder": "Other"}, {"host": "localhost"})


@pytest.mark.parametrize("changes", OTHER_FOLDERS)
def test_another_folder_begins_anew_though_its_uidvalidity_is_the_same(server, mailbox, changes):
    server.add(mail("kept"))
    assert fetch(mailbox) == 1
    for number in range(3):
        server.add(mail(f"read {number}"), SEEN)
    unread, again = server.add(mail("unread")), server.add(mail("kept"))
    Mailbox.objects.update(**changes)

    assert fetch(mailbox) == 1
    taken = {2, unread, again}
    assert server.flags == {uid: TAKEN if uid in taken else {SEEN} for uid in server.flags}
    server.add(mail("opened"), SEEN)
    assert fetch(mailbox) == 1


SAME_FOLDER = ({"folder": "INBOX"}, {"host": "LOCALHOST"}, {"enabled": True})


@pytest.mark.parametrize("changes", SAME_FOLDER)
def test_the_same_folder_by_another_name_goes_on(server, mailbox, changes):
    Mailbox.objects.update(host="localhost")
    fetch(mailbox)
    Mailbox.objects.update(enabled=False)
    server.add(mail("opened while nobody fetched"), SEEN)
    assert fetch(mailbox) is None
    Mailbox.objects.update(**({"enabled": True} | changes))
    assert fetch(mailbox) == 1


def test_another_port_of_the_same_server_goes_on(server, mailbox):
    fetch(mailbox)
    server.add(mail("opened"), SEEN)
    position = Mailbox.objects.get().position
    with FakeImap(server.messages) as tls_port:
        tls_port.flags = dict(server.flags)
        Mailbox.objects.update(port=tls_port.port)
        assert fetch(mailbox) == 1
    assert mark_of(position) == "7:1"


def test_who_still_reads_the_former_folder_moves_no_position(server, mailbox):
    former = Mailbox.objects.get()
    with open_inbox(former.account()) as inbox:
        Mailbox.objects.update(folder="Other", position="of the other")
        receiving.keep_position(former, inbox)
    assert Mailbox.objects.get().position == "of the other"


def test_a_position_of_version_0_1_goes_on(server, mailbox):
    Mailbox.objects.update(position="7:1")
    server.add(mail("opened"), SEEN)
    assert fetch(mailbox) == 1


@pytest.mark.parametrize("position", ["7:1", "7:1@1577836800"])
def test_start_from_now_leaves_alone_what_came_while_nobody_fetched(server, mailbox, position):
    Mailbox.objects.update(position=position)
    hour_ago = timezone.now() - timedelta(hours=1)
    read = server.add(mail("read"), SEEN, date=hour_ago)
    unread = server.add(mail("unread"), date=hour_ago)
    fetching.start_from(mailbox, timezone.now() - timedelta(minutes=1))

    assert fetch(mailbox) == 0
    assert (server.flags[read], server.flags[unread]) == ({SEEN}, set())
    server.add(mail("opened"), SEEN, date=hour_ago)  # by a clock that is slow
    assert fetch(mailbox) == 1
    assert (server.flags[read], server.flags[unread]) == ({SEEN}, set())
