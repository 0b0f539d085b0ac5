"""A folder whose UIDs are not the former ones: what comes again, and what nobody may touch."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import Dovecot
from tests.servers.fake_imap import FakeImap
from tests.servers.imap_behaviours import CORRECT, COURIER, MAILUTILS, Behaviour
from tests.servers.reading import contents, mail, mark_of, read_all, take_in

SEEN, DELETED = "\\Seen", "\\Deleted"
YEAR = timedelta(days=365)
SLOW = datetime.now(UTC) - timedelta(hours=2)
"""By a clock that is slow."""


class Server(Protocol):
    @property
    def flags(self) -> dict[int, set[str]]: ...

    def account(self, **changes: object) -> ImapAccount: ...

    def add(self, content: bytes, *flags: str, date: datetime | None = None) -> int: ...

    def change_validity(self) -> None: ...


class Renaming(FakeImap):
    def change_validity(self) -> None:
        self.validity += 1


class OnDovecot:
    """One user of a real server."""

    def __init__(self, dovecot: Dovecot, user: str) -> None:
        self.dovecot, self.user = dovecot, user

    @property
    def flags(self) -> dict[int, set[str]]:
        found = self.dovecot.messages(self.user).items()
        return {uid: {flag.decode() for flag in flags} - {"\\Recent"} for uid, flags in found}

    def account(self, **changes: object) -> ImapAccount:
        return self.dovecot.account(self.user, **changes)

    def add(self, content: bytes, *flags: str, date: datetime | None = None) -> int:
        with self.dovecot.session(self.user) as client:
            client.append("INBOX", content, flags=flags, msg_time=date)
        return max(self.flags)

    def change_validity(self) -> None:
        self.dovecot.set_uid_validity(self.user, self.dovecot.uid_validity(self.user) + 1)


@pytest.fixture(
    params=[
        pytest.param(CORRECT, id="correct"),
        pytest.param(COURIER, id="like Courier"),
        pytest.param(MAILUTILS, id="like mailutils"),
        pytest.param(None, id="Dovecot", marks=pytest.mark.services),
    ]
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Two messages that people read long ago, and one that nobody has read."""
    behaviour: Behaviour | None = request.param
    if behaviour is None:
        names = ("dovecot", "imap_user")
        dovecot, user = (request.getfixturevalue(name) for name in names)
        yield fill(OnDovecot(dovecot, user))
        return
    with Renaming({}, behaviour=behaviour) as fake:
        yield fill(fake)


def fill(server: Server) -> Server:
    for name, flags in (("old", [SEEN]), ("waiting", []), ("yesterday", [SEEN])):
        age = timedelta(days=1) if name == "yesterday" else YEAR
        server.add(mail(name), *flags, date=datetime.now(UTC) - age)
    return server


@pytest.mark.parametrize("deletes", [True, False])
def test_what_was_read_before_the_mailbox_began_is_never_touched(
    server: Server, *, deletes: bool
) -> None:
    account = server.account(delete_after_delivery=deletes)
    found, position = take_in(account)
    assert found == [2]
    for _again in range(2):
        server.change_validity()
        found, position = take_in(account, position)
        assert found == []
    assert (server.flags[1], server.flags[3]) == ({SEEN}, {SEEN})


def test_what_came_since_the_last_reading_is_taken_whether_it_is_read_or_not(
    server: Server,
) -> None:
    _found, position = take_in(server.account())
    server.add(mail("unread"))
    server.add(mail("opened"), SEEN)
    server.add(mail("unread, of last year"), date=datetime.now(UTC) - YEAR)
    server.change_validity()
    found, position = take_in(server.account(), position)
    assert found == [4, 5, 6]
    assert (server.flags[1], server.flags[3]) == ({SEEN}, {SEEN})
    assert take_in(server.account(), position)[0] == []


def test_what_comes_after_the_new_ids_is_taken_though_it_is_opened_at_once(server: Server) -> None:
    _found, position = take_in(server.account())
    server.change_validity()
    _found, position = take_in(server.account(), position)
    server.add(mail("opened"), SEEN, date=datetime.now(UTC) - YEAR)
    assert take_in(server.account(), position)[0] == [4]


def test_a_position_without_a_time_brings_back_unread_mail_only(server: Server) -> None:
    """Such as version 0.1.0 stored them."""
    server.add(mail("opened"), SEEN)
    server.change_validity()
    assert take_in(server.account(), "1:3")[0] == [2]
    assert (server.flags[1], server.flags[3], server.flags[4]) == ({SEEN}, {SEEN}, {SEEN})


@pytest.mark.parametrize("behaviour", [CORRECT, MAILUTILS])
def test_uids_that_are_given_out_again_are_new_ids(behaviour: Behaviour) -> None:
    """A server that was set back to a backup keeps its UIDVALIDITY."""
    last_reading = int(datetime.now(UTC).timestamp()) - 60
    with FakeImap({}, behaviour=behaviour) as server:
        server.add(mail("old"), SEEN, date=datetime.now(UTC) - YEAR)
        server.add(mail("opened"), SEEN)
        found, position = take_in(server.account(), f"7:100@{last_reading}")
        assert (found, mark_of(position)) == ([2], "7:2")
        assert server.flags[1] == {SEEN}


def test_a_uidnext_that_is_wrong_does_not_lower_the_mark() -> None:
    with FakeImap({uid: mail(f"{uid}") for uid in (1, 2, 3)}) as server:
        server.flags = {uid: {SEEN} for uid in server.flags}
        lines = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ids\r\n* OK [UIDNEXT 2] wrong\r\n"
        server.script("SELECT", lines + b"TAG OK [READ-WRITE] ok\r\n")
        now = int(datetime.now(UTC).timestamp()) - 60
        found, position = take_in(server.account(), f"7:3@{now}")
        assert (found, mark_of(position)) == ([], "7:3")


def test_mail_that_comes_during_the_searches_is_new_whatever_its_date() -> None:
    with Renaming({1: mail("old")}) as server:
        server.flags[1], server.dates[1] = {SEEN}, SLOW
        server.before("UNDELETED SINCE", lambda: server.add(mail("opened"), SEEN, date=SLOW))
        assert take_in(server.account(), f"6:1@{int(datetime.now(UTC).timestamp())}")[0] == [2]


def test_a_message_without_a_date_is_left_alone_if_it_is_read() -> None:
    with Renaming({1: mail("read"), 2: mail("unread")}) as server:
        server.flags[1] = {SEEN}
        size = b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n"
        sizes = b"".join(size % (uid, uid, len(server.messages[uid])) for uid in (1, 2))
        server.script("RFC822.SIZE", sizes + b"TAG OK done\r\n")
        assert take_in(server.account(), "6:2@1000000000")[0] == [2]
        assert server.flags[1] == {SEEN}


def test_a_reading_broken_off_goes_on_with_what_was_opened_meanwhile(server: Server) -> None:
    account = server.account(batch_count=1)
    _found, position = take_in(account)
    server.add(mail("first"))
    server.add(mail("second"), SEEN)
    server.change_validity()
    with open_inbox(account, position=position) as inbox:
        inbox.acknowledge(next(iter(inbox.unread())))
        position = inbox.position or ""
    server.add(mail("moved in by a person"), SEEN, date=datetime.now(UTC) - YEAR)

    with open_inbox(account, position=position) as inbox:
        assert inbox.resynchronised
        assert contents(read_all(inbox)) == [mail("second"), mail("moved in by a person")]
        assert not inbox.resynchronised
    assert (server.flags[1], server.flags[3]) == ({SEEN}, {SEEN})
