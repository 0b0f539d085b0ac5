"""Reading and acknowledging mail, against a real Dovecot."""

import pytest

from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import Dovecot
from tests.servers.reading import mail, mark_of, read_all, uids

pytestmark = pytest.mark.services


SEEN = rb"\Seen"


DELETED = rb"\Deleted"


@pytest.fixture
def account(dovecot: Dovecot, imap_user: str) -> ImapAccount:
    return dovecot.account(imap_user)


def test_mail_comes_byte_for_byte(dovecot: Dovecot, account: ImapAccount) -> None:
    content = b"Subject: =?x\r\nX: \xff\x00\xfe\r\n\r\n\x80 NIL {3}\r\n)\r\nA1 OK\r\n* BYE\r\n"
    dovecot.append(account.user, content.replace(b"\x00", b"\x80"), mail("two"))
    with open_inbox(account) as inbox:
        found = read_all(inbox)
    assert [message.content for message in found] == [
        content.replace(b"\x00", b"\x80"),
        mail("two"),
    ]


def test_mail_by_lmtp_keeps_its_envelope_recipient(dovecot: Dovecot, account: ImapAccount) -> None:
    dovecot.deliver(account.user, mail("one"), recipient=account.user.replace("@", "+key@"))
    with open_inbox(account) as inbox:
        found = read_all(inbox)
    assert f"Delivered-To: {account.user.replace('@', '+key@')}\r\n".encode() in found[0].content


def test_delivered_mail_is_marked_deleted_and_not_found_again(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"), mail("two"))
    with open_inbox(account) as inbox:
        assert uids(read_all(inbox)) == [1, 2]
        position = inbox.position
    assert dovecot.messages(account.user) == {1: {SEEN, DELETED}, 2: {SEEN, DELETED}}
    with open_inbox(account, position=position) as inbox:
        assert read_all(inbox) == []


def test_delivered_mail_may_be_kept_as_seen(dovecot: Dovecot, imap_user: str) -> None:
    account = dovecot.account(imap_user, delete_after_delivery=False, expunge_deleted=True)
    dovecot.append(imap_user, mail("one"))
    with open_inbox(account) as inbox:
        assert uids(read_all(inbox)) == [1]
        position = inbox.position
    assert dovecot.messages(imap_user) == {1: {SEEN}}
    with open_inbox(account, position=position) as inbox:
        assert read_all(inbox) == []


def test_an_expunge_takes_our_messages_only(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, mail("one"), mail("two"), mail("three"))
    dovecot.flag(imap_user, [2], DELETED)
    with open_inbox(dovecot.account(imap_user, expunge_deleted=True)) as inbox:
        assert uids(read_all(inbox)) == [1, 3]
    assert dovecot.messages(imap_user) == {2: {DELETED}}


def test_i07_without_move_and_uidplus_nothing_is_expunged(plain_dovecot: Dovecot) -> None:
    user = plain_dovecot.take_user()
    plain_dovecot.append(user, mail("one"))
    with open_inbox(plain_dovecot.account(user, expunge_deleted=True)) as inbox:
        assert uids(read_all(inbox)) == [1]
    assert plain_dovecot.messages(user) == {1: {SEEN, DELETED}}


def test_reading_marks_nothing_and_a_crash_before_the_acknowledgement_loses_nothing(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        assert [uids(list(batch)) for batch in inbox.unread()] == [[1]]
    assert dovecot.messages(account.user) == {1: frozenset()}
    with open_inbox(account) as inbox:
        assert uids(read_all(inbox)) == [1]


def test_a_first_opening_takes_unread_mail_only(dovecot: Dovecot, account: ImapAccount) -> None:
    dovecot.append(account.user, mail("one"), mail("two"), mail("three"))
    dovecot.flag(account.user, [1, 3], SEEN)
    with open_inbox(account) as inbox:
        assert uids(read_all(inbox)) == [2]
        position = inbox.position
    with open_inbox(account, position=position) as inbox:
        assert read_all(inbox) == []


def test_mail_that_was_opened_in_webmail_is_taken(dovecot: Dovecot, account: ImapAccount) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        read_all(inbox)
        position = inbox.position
    dovecot.append(account.user, mail("two"))
    dovecot.flag(account.user, [2], SEEN)
    with open_inbox(account, position=position) as inbox:
        assert uids(read_all(inbox)) == [2]


def test_new_uids_are_taken_as_a_resynchronisation(dovecot: Dovecot, imap_user: str) -> None:
    account = dovecot.account(imap_user, delete_after_delivery=False)
    dovecot.append(imap_user, mail("one"), mail("two"))
    with open_inbox(account) as inbox:
        read_all(inbox)
        position = inbox.position
        assert not inbox.resynchronised
    old = dovecot.uid_validity(imap_user)
    dovecot.set_uid_validity(imap_user, old + 1)
    with open_inbox(account, position=position) as inbox:
        assert inbox.resynchronised
        assert [m.source_id.split(":")[1:] for m in read_all(inbox)] == [
            [str(old + 1), "1"],
            [str(old + 1), "2"],
        ]
        assert mark_of(inbox.position) == f"{old + 1}:2"


@pytest.mark.slow
def test_a_large_message_comes_whole(dovecot: Dovecot, account: ImapAccount) -> None:
    line = b"0123456789" * 7 + b"\r\n"
    large = mail("large") + line * (25_000_000 // len(line))
    dovecot.append(account.user, large, mail("small"))
    with open_inbox(account) as inbox:
        batches = list(inbox.unread())
    assert [len(batch) for batch in batches] == [1, 1]
    assert batches[0][0].content == large
    assert not batches[0][0].oversize


def test_of_an_oversize_message_the_header_is_read_and_nothing_deleted(
    dovecot: Dovecot, imap_user: str
) -> None:
    dovecot.append(imap_user, mail("small"), mail("large", "x" * 2000), mail("small"))
    account = dovecot.account(imap_user, max_message_bytes=1000, expunge_deleted=True)
    with open_inbox(account) as inbox:
        found = read_all(inbox)
        position = inbox.position
    assert [message.oversize for message in found] == [False, True, False]
    assert found[1].content == b"From: sender@example.com\r\nSubject: large\r\n\r\n"
    assert dovecot.messages(imap_user) == {2: {SEEN}}
    with open_inbox(account, position=position) as inbox:
        assert read_all(inbox) == []


def test_five_hundred_messages_come_in_batches_and_in_order(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    with dovecot.session(account.user) as client:
        for number in range(1, 501):
            client.append("INBOX", mail(f"number {number}"))
    with open_inbox(account) as inbox:
        sizes = []
        for number, batch in enumerate(inbox.unread()):
            sizes.append(len(batch))
            assert uids(list(batch)) == list(range(number * 50 + 1, number * 50 + 51))
            inbox.acknowledge(batch)
        assert sizes == [50] * 10
        assert mark_of(inbox.position).endswith(":500")


def test_a_batch_ends_before_its_bytes_are_too_many(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, *[mail("one", "x" * 500)] * 3, mail("two", "x" * 3000), mail("three"))
    with open_inbox(dovecot.account(imap_user, batch_bytes=1200)) as inbox:
        assert [uids(list(batch)) for batch in inbox.unread()] == [[1, 2], [3], [4], [5]]


def test_a_message_expunged_under_our_feet_is_passed_over(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, *[mail(f"number {number}") for number in range(1, 7)])
    with open_inbox(dovecot.account(imap_user, batch_count=2)) as inbox:
        batches = inbox.unread()
        inbox.acknowledge(next(batches))
        dovecot.expunge(imap_user, [4, 5])
        # Dovecot may still hand out, once, what it has already expunged.
        for batch in batches:
            inbox.acknowledge(batch)
        assert read_all(inbox) == []
        assert mark_of(inbox.position).endswith(":6")
    assert set(dovecot.messages(imap_user)) == {1, 2, 3, 6}
