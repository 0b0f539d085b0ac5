"""What real servers do otherwise than Dovecot, by a stand-in that does the same; each was seen."""

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.opening import open_inbox
from tests.servers.fake_imap import FakeImap
from tests.servers.imap_behaviours import (
    CAPABILITIES,
    COURIER,
    CYRUS,
    CYRUS_WITHOUT_T,
    DOVECOT,
    MAILUTILS,
)
from tests.servers.reading import contents, mail, read_all, read_each, refusal
from tests.waiting import PATIENCE_SECONDS

NAMED = b"From: Andr\xe9 <andre@example.com>\r\nSubject: caf\xc3\xa9\r\n\r\nna\xefve\r\n"


def test_cyrus_without_the_right_to_delete_leaves_mail_read() -> None:
    with (
        FakeImap({1: mail("one")}, behaviour=CYRUS_WITHOUT_T) as server,
        open_inbox(server.account()) as inbox,
    ):
        assert contents(read_all(inbox)) == [mail("one")]
        assert read_all(inbox) == []
    assert server.flags == {1: {"\\Seen"}}


def test_cyrus_has_made_bytes_of_a_header_into_x() -> None:
    with FakeImap({}, behaviour=CYRUS) as server:
        server.add(NAMED)
        with open_inbox(server.account()) as inbox:
            (message,) = read_all(inbox)
    assert message.content.startswith(b"From: AndrX <andre@example.com>\r\nSubject: cafXX\r\n")
    assert message.content.endswith(b"na\xefve\r\n")


@pytest.mark.parametrize("name", ["INBOX.support", "INBOX/support", "inbox.Support"])
@pytest.mark.parametrize("behaviour", [CYRUS, COURIER], ids=["cyrus", "courier"])
def test_folders_lie_below_the_inbox(name: str, behaviour: object) -> None:
    with FakeImap({1: mail("one")}, behaviour=behaviour) as server:  # type: ignore[arg-type]
        with open_inbox(server.account(folder=name)) as inbox:
            assert contents(read_all(inbox)) == [mail("one")]
        fault = refusal(server.account(folder="support"))
    assert fault.detail == "the folder support does not exist; there are: INBOX, INBOX.support"


def test_dovecot_tells_an_idle_after_half_a_second() -> None:
    with FakeImap({}, behaviour=DOVECOT) as server, open_inbox(server.account()) as inbox:
        server.before("IDLE", lambda: server.add(mail("one")))
        assert inbox.wait(PATIENCE_SECONDS)
        assert contents(read_all(inbox)) == [mail("one")]


def test_dovecot_still_gives_what_another_client_has_removed() -> None:
    with (
        FakeImap({1: mail("one"), 2: mail("two")}, behaviour=DOVECOT) as server,
        open_inbox(server.account(expunge_deleted=True)) as inbox,
    ):
        server.before("BODY.PEEK", lambda: server.remove(1))
        assert contents(read_all(inbox)) == [mail("one"), mail("two")]
        assert read_all(inbox) == []


def test_what_is_gone_when_it_is_fetched_is_no_fault() -> None:
    with (
        FakeImap({1: mail("one"), 2: mail("two")}) as server,
        open_inbox(server.account()) as inbox,
    ):
        server.before("BODY.PEEK", lambda: server.remove(1))
        assert contents(read_each(inbox)) == [mail("two")]


def test_courier_tells_of_new_mail_at_a_noop_or_an_idle_only() -> None:
    with (
        FakeImap({1: mail("one")}, behaviour=COURIER) as server,
        open_inbox(server.account()) as inbox,
    ):
        read_all(inbox)
        server.add(mail("two"))
        assert read_all(inbox) == []
        assert inbox.wait(0.1)
        assert contents(read_all(inbox)) == [mail("two")]


def test_mailutils_tells_of_new_mail_behind_an_idle_and_after_a_store_never() -> None:
    capability = CAPABILITIES["mailutils"]
    with (
        FakeImap({}, behaviour=MAILUTILS, capability=capability) as server,
        open_inbox(server.account()) as inbox,
    ):
        server.add(mail("one"))
        assert inbox.wait(0.1)
        assert contents(read_all(inbox)) == [mail("one")]
        server.add(mail("two"))
        assert not inbox.wait(0.1)
        assert contents(read_all(inbox)) == [mail("two")]  # who searches finds it


def test_mailutils_expunges_nothing() -> None:
    capability = CAPABILITIES["mailutils"]
    with (
        FakeImap({1: mail("one")}, behaviour=MAILUTILS, capability=capability) as server,
        open_inbox(server.account(expunge_deleted=True)) as inbox,
    ):
        assert contents(read_all(inbox)) == [mail("one")]
    assert server.sent("EXPUNGE") == []
    assert server.flags == {1: {"\\Seen", "\\Deleted"}}


@pytest.mark.parametrize("behaviour", [CYRUS, COURIER, DOVECOT, MAILUTILS])
def test_each_gives_a_position(behaviour: object) -> None:
    with FakeImap({3: mail("old")}, behaviour=behaviour) as server:  # type: ignore[arg-type]
        server.flags[3] = {"\\Seen"}
        try:
            with open_inbox(server.account()) as inbox:
                assert read_all(inbox) == []
                assert (inbox.position or "").rpartition(" ")[2].startswith("7:3")
        except InboxError as fault:
            pytest.fail(fault.detail)
