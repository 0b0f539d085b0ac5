"""Opening an IMAP inbox and losing the connection, against a real Dovecot."""

import hashlib
import threading

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import FOREIGN_PASSWORD, FOREIGN_USER, Dovecot
from tests.servers.faulty_link import FaultyLink
from tests.servers.reading import mail, mark_of, read_all, refusal, uids
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.services


@pytest.fixture
def account(dovecot: Dovecot, imap_user: str) -> ImapAccount:
    return dovecot.account(imap_user)


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


def test_new_uids_under_an_open_connection_are_an_error(
    dovecot: Dovecot, account: ImapAccount
) -> None:
    dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        dovecot.set_uid_validity(account.user, 4242)
        with pytest.raises(InboxError):
            read_all(inbox)


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
    with (
        FaultyLink(dovecot.port) as link,
        open_inbox(dovecot.account(imap_user, port=link.port)) as inbox,
    ):
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
            assert mark_of(inbox.position).endswith(":2")
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
            assert inbox.wait(PATIENCE_SECONDS) is True


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


def test_a_password_beyond_ascii_is_sent_whole(dovecot: Dovecot) -> None:
    with open_inbox(dovecot.account(FOREIGN_USER, password=FOREIGN_PASSWORD)) as inbox:
        assert read_all(inbox) == []
    fault = refusal(dovecot.account(FOREIGN_USER, password=FOREIGN_PASSWORD[:-1]))
    assert fault.detail == "[AUTHENTICATIONFAILED] Authentication failed."
