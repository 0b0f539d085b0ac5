"""The IMAP inbox against a real Dovecot."""

import hashlib
import threading
import time
from collections.abc import Iterator

import pytest

from incoming_email.inboxes import imap
from incoming_email.inboxes.accounts import ImapAccount
from incoming_email.inboxes.base import Inbox, InboxError, RawMessage
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import Dovecot
from tests.servers.faulty_link import FaultyLink

pytestmark = pytest.mark.services

SEEN = rb"\Seen"
DELETED = rb"\Deleted"


def mail(subject: str, body: str = "text") -> bytes:
    return f"From: sender@example.com\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()


def read_all(inbox: Inbox) -> list[RawMessage]:
    """All that is waiting, acknowledged batch by batch as the receiving room does."""
    messages: list[RawMessage] = []
    for batch in inbox.unread():
        inbox.acknowledge(batch)
        messages += batch
    return messages


def uids(messages: list[RawMessage]) -> list[int]:
    return [int(message.source_id.rpartition(":")[2]) for message in messages]


@pytest.fixture
def account(dovecot: Dovecot, imap_user: str) -> ImapAccount:
    return dovecot.account(imap_user)


@pytest.fixture(scope="module")
def plain_dovecot() -> Iterator[Dovecot]:
    """A server that can neither IDLE nor expunge by UID."""
    with Dovecot(capability="IMAP4rev1 LITERAL+ UNSELECT") as server:
        yield server


def test_mail_comes_byte_for_byte(dovecot: Dovecot, account: ImapAccount) -> None:
    content = b"Subject: =?x\r\nX: \xff\x00\xfe\r\n\r\n\x80 NIL {3}\r\n)\r\nA1 OK\r\n* BYE\r\n"
    dovecot.append(account.user, content.replace(b"\x00", b"\x80"), mail("two"))
    with open_inbox(account) as inbox:
        found = read_all(inbox)
    assert [message.content for message in found] == [
        content.replace(b"\x00", b"\x80"),
        mail("two"),
    ]


def test_the_source_id_names_server_folder_and_message(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"))
    validity = dovecot.uid_validity(account.user)
    with open_inbox(account) as inbox:
        found = read_all(inbox)
    name = f"localhost\n{dovecot.port}\n{account.user}\ninbox"
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    assert [message.source_id for message in found] == [f"{digest}:{validity}:1"]


def test_mail_by_lmtp_keeps_its_envelope_recipient(dovecot: Dovecot, account: ImapAccount) -> None:
    dovecot.deliver(account.user, mail("one"), recipient=account.user.replace("@", "+key@"))
    with open_inbox(account) as inbox:
        found = read_all(inbox)
    assert f"Delivered-To: {account.user.replace('@', '+key@')}\r\n".encode() in found[0].content


@pytest.mark.parametrize("changes", [{"ssl": True}, {"start_tls": True}])
def test_encrypted_with_our_own_authority(
    dovecot: Dovecot, imap_user: str, changes: dict[str, bool]
) -> None:
    dovecot.append(imap_user, mail("one"))
    port = dovecot.tls_port if "ssl" in changes else dovecot.port
    account = dovecot.account(imap_user, port=port, ca_file=dovecot.ca_file, **changes)
    with open_inbox(account) as inbox:
        assert [message.content for message in read_all(inbox)] == [mail("one")]


@pytest.mark.parametrize("changes", [{"ssl": True}, {"start_tls": True}])
def test_an_unknown_authority_is_refused(
    dovecot: Dovecot, imap_user: str, changes: dict[str, bool]
) -> None:
    port = dovecot.tls_port if "ssl" in changes else dovecot.port
    with (
        pytest.raises(InboxError) as caught,
        open_inbox(dovecot.account(imap_user, port=port, **changes)),
    ):
        pass
    assert caught.value.detail.startswith("the certificate is refused: ")
    assert "CA file" in caught.value.remedy


@pytest.mark.parametrize("changes", [{"ssl": True}, {"start_tls": True}])
def test_a_certificate_of_another_name_is_refused(
    dovecot: Dovecot, imap_user: str, changes: dict[str, bool]
) -> None:
    port = dovecot.tls_port if "ssl" in changes else dovecot.port
    account = dovecot.account(
        imap_user, host="127.0.0.1", port=port, ca_file=dovecot.ca_file, **changes
    )
    with pytest.raises(InboxError) as caught, open_inbox(account):
        pass
    assert caught.value.remedy == "Use as host the name that the certificate was issued for."


def test_a_wrong_password_is_said_and_not_shown(dovecot: Dovecot, imap_user: str) -> None:
    account = dovecot.account(imap_user, password="not-the-password")
    with pytest.raises(InboxError) as caught, open_inbox(account):
        pass
    assert caught.value.detail == "[AUTHENTICATIONFAILED] Authentication failed."
    assert caught.value.remedy.startswith("Check user and password")


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


def test_without_uidplus_nothing_is_expunged(plain_dovecot: Dovecot) -> None:
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
        assert inbox.position == f"{old + 1}:2"


def test_new_uids_under_an_open_connection_are_an_error(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        dovecot.set_uid_validity(account.user, 4242)
        with pytest.raises(InboxError):
            read_all(inbox)


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
        assert inbox.position.endswith(":500")


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
        assert inbox.position.endswith(":6")
    assert set(dovecot.messages(imap_user)) == {1, 2, 3, 6}


def test_a_session_killed_between_batches_is_resumed(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, *[mail(f"number {number}") for number in range(1, 5)])
    found = []
    with open_inbox(dovecot.account(imap_user, batch_count=2)) as inbox:
        for batch in inbox.unread():
            inbox.acknowledge(batch)
            found += uids(list(batch))
            if found == [1, 2]:
                assert dovecot.kill_sessions(imap_user) == 1
    assert found == [1, 2, 3, 4]


def test_a_connection_cut_within_a_message_is_resumed(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, mail("one", "x" * 300_000), mail("two"))
    with FaultyLink(dovecot.port) as link:
        with open_inbox(dovecot.account(imap_user, port=link.port)) as inbox:
            link.drop_after = 100_000
            assert uids(read_all(inbox)) == [1, 2]
            assert link.connections == 2


def test_a_server_killed_for_good_is_an_inbox_error_and_nothing_is_lost() -> None:
    with Dovecot() as server:
        user = server.take_user()
        server.append(user, mail("one"), mail("two"))
        with open_inbox(server.account(user, batch_count=1)) as inbox:
            batches = inbox.unread()
            inbox.acknowledge(next(batches))
            server.kill()
            with pytest.raises(InboxError):
                next(batches)
            assert inbox.position == ""
        server.start()
        with open_inbox(server.account(user)) as inbox:
            assert uids(read_all(inbox)) == [2]


def test_answers_in_single_bytes_are_read(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.append(imap_user, mail("one"))
    with FaultyLink(dovecot.port) as link:
        link.split = 1
        with open_inbox(dovecot.account(imap_user, port=link.port)) as inbox:
            assert [message.content for message in read_all(inbox)] == [mail("one")]
            threading.Timer(0.2, dovecot.append, (imap_user, mail("two"))).start()
            assert inbox.wait(10) is True


@pytest.mark.parametrize("name", ["Entwürfe", "Entw&APw-rfe", "entwürfe", "Entwu\u0308rfe"])
def test_a_folder_with_an_umlaut_is_found(dovecot: Dovecot, name: str) -> None:
    user = dovecot.take_user()
    dovecot.create_folder(user, "Entwürfe")
    dovecot.append(user, mail("one"), folder="Entwürfe")
    with open_inbox(dovecot.account(user, folder=name)) as inbox:
        assert uids(read_all(inbox)) == [1]


@pytest.mark.parametrize("name", ["Support/In", "Support.In"])
def test_a_folder_is_found_with_any_separator(dovecot: Dovecot, name: str) -> None:
    user = dovecot.take_user()
    dovecot.create_folder(user, "Support/In")
    dovecot.append(user, mail("one"), folder="Support/In")
    with open_inbox(dovecot.account(user, folder=name)) as inbox:
        assert uids(read_all(inbox)) == [1]


def test_a_missing_folder_is_named_with_those_that_exist(dovecot: Dovecot, imap_user: str) -> None:
    dovecot.create_folder(imap_user, "Entwürfe")
    account = dovecot.account(imap_user, folder="Posteingang")
    with pytest.raises(InboxError) as caught, open_inbox(account):
        pass
    assert caught.value.detail in {
        "the folder Posteingang does not exist; there are: Entwürfe, INBOX",
        "the folder Posteingang does not exist; there are: INBOX, Entwürfe",
    }


def test_new_mail_ends_the_wait(dovecot: Dovecot, account: ImapAccount) -> None:
    with open_inbox(account) as inbox:
        threading.Timer(0.3, dovecot.deliver, (account.user, mail("one"))).start()
        start = time.monotonic()
        assert inbox.wait(20) is True
        # Dovecot itself waits half a second before it tells.
        assert 0.3 <= time.monotonic() - start < 3
        assert len(read_all(inbox)) == 1


def test_a_wait_without_mail_ends_in_time(dovecot: Dovecot, account: ImapAccount) -> None:
    with open_inbox(account) as inbox:
        start = time.monotonic()
        assert inbox.wait(0.3) is False
        assert 0.3 <= time.monotonic() - start < 2


def test_mail_that_comes_between_reading_and_waiting_ends_the_wait(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        batch = next(inbox.unread())
        dovecot.append(account.user, mail("two"))
        inbox.acknowledge(batch)
        assert inbox.wait(10) is True
        assert uids(read_all(inbox)) == [2]


def test_a_server_without_idle_is_asked(
    plain_dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "NOOP_SECONDS", 0.1)
    user = plain_dovecot.take_user()
    with open_inbox(plain_dovecot.account(user)) as inbox:
        start = time.monotonic()
        assert inbox.wait(0.25) is False
        assert 0.25 <= time.monotonic() - start < 2
        threading.Timer(0.2, plain_dovecot.append, (user, mail("one"))).start()
        assert inbox.wait(10) is True
        assert uids(read_all(inbox)) == [1]


@pytest.mark.parametrize("how", ["kick", "kill_sessions"])
def test_a_session_that_ends_in_a_wait_is_an_inbox_error(dovecot: Dovecot, how: str) -> None:
    user = dovecot.take_user()
    with open_inbox(dovecot.account(user)) as inbox:
        threading.Timer(0.2, getattr(dovecot, how), (user,)).start()
        start = time.monotonic()
        with pytest.raises(InboxError):
            inbox.wait(20)
        assert time.monotonic() - start < 5


def test_a_link_that_swallows_everything_is_noticed_at_the_next_renewal(
    dovecot: Dovecot, imap_user: str
) -> None:
    with FaultyLink(dovecot.port) as link:
        account = dovecot.account(imap_user, port=link.port, timeout=0.5, idle_timeout=1)
        with open_inbox(account) as inbox:
            link.black_hole = True
            with pytest.raises(InboxError, match="no answer in time"):
                inbox.wait(20)
            link.black_hole = False
