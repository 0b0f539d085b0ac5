"""The first reading of a folder on servers that say in other ways where new mail begins."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from tests.servers.courier import Courier
from tests.servers.fake_imap import FakeImap
from tests.servers.imap_behaviours import CORRECT, COURIER, MAILUTILS
from tests.servers.reading import mail, mark_of, read_all, take_in, uids

SEEN, DELETED = "\\Seen", "\\Deleted"
MAY = datetime(2026, 5, 1, tzinfo=UTC)


class Server(Protocol):
    @property
    def flags(self) -> dict[int, set[str]]: ...

    def account(self, **changes: object) -> ImapAccount: ...

    def add(self, content: bytes, *flags: str, date: datetime | None = None) -> int: ...


@pytest.fixture(
    params=[
        pytest.param(CORRECT, id="correct"),
        pytest.param(COURIER, id="like Courier"),
        pytest.param(MAILUTILS, id="like mailutils"),
        pytest.param(None, id="Courier", marks=pytest.mark.services),
    ]
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each has no mail yet."""
    with Courier() if request.param is None else FakeImap({}, behaviour=request.param) as server:
        yield server


def fill(server: Server) -> None:
    """Four messages: read, unread, unread and deleted, read."""
    for number, flags in enumerate([(SEEN,), (), (DELETED,), (SEEN,)], 1):
        server.add(mail(f"number {number}"), *flags)


@pytest.mark.parametrize("deletes", [True, False])
def test_what_was_read_before_is_neither_taken_in_nor_marked(
    server: Server, *, deletes: bool
) -> None:
    fill(server)
    found, _position = take_in(server.account(delete_after_delivery=deletes))
    assert found == [2]
    assert server.flags == {
        1: {SEEN},
        2: {SEEN, DELETED} if deletes else {SEEN},
        3: {DELETED},
        4: {SEEN},
    }


def test_what_somebody_opens_after_the_first_reading_is_taken_in(server: Server) -> None:
    fill(server)
    _found, position = take_in(server.account())
    server.add(mail("opened"), SEEN)
    assert take_in(server.account(), position)[0] == [5]
    assert server.flags[5] == {SEEN, DELETED}


def test_start_from_leaves_older_unread_mail_alone(server: Server) -> None:
    server.add(mail("april, read"), SEEN, date=MAY - timedelta(days=1))
    server.add(mail("april"), date=MAY - timedelta(days=1))
    server.add(mail("may, read"), SEEN, date=MAY + timedelta(hours=2))
    server.add(mail("may"), date=MAY + timedelta(hours=2))
    account = server.account(starts_at=MAY + timedelta(hours=1))
    with open_inbox(account) as inbox:
        assert inbox.count_waiting() == 1
    found, position = take_in(account)
    assert found == [4]
    assert server.flags == {1: {SEEN}, 2: set(), 3: {SEEN}, 4: {SEEN, DELETED}}
    assert take_in(account, position)[0] == []


def test_all_that_comes_into_an_empty_folder_is_new(server: Server) -> None:
    found, position = take_in(server.account())
    assert found == []
    assert mark_of(position).endswith(":0")
    server.add(mail("opened at once"), SEEN)
    assert take_in(server.account(), position)[0] == [1]


def test_a_mailbox_that_has_a_position_goes_on_from_there(server: Server) -> None:
    fill(server)
    _found, first = take_in(server.account(delete_after_delivery=False))
    validity = mark_of(first).partition(":")[0]
    found, position = take_in(server.account(), f"{validity}:3")
    assert (found, mark_of(position)) == ([4], f"{validity}:4")


def test_older_mail_is_counted_and_filled_in_by_date(server: Server) -> None:
    server.add(mail("april"), date=MAY - timedelta(days=2))
    server.add(mail("may"), SEEN, date=MAY + timedelta(hours=12))
    server.add(mail("deleted"), DELETED, date=MAY + timedelta(hours=12))
    with open_inbox(server.account(), since=MAY) as inbox:
        assert inbox.count_waiting() == 1
        assert uids(read_all(inbox)) == [2]
        assert inbox.position is None
    assert server.flags == {1: set(), 2: {SEEN, DELETED}, 3: {DELETED}}


QUESTIONS = (
    "SELECT INBOX",
    "STATUS INBOX (MESSAGES UIDNEXT)",
    "UID SEARCH UID *",
    "UID FETCH * (UID)",
    "UID SEARCH UNDELETED OR UNSEEN UID 5:4294967295",
    "UID SEARCH UNDELETED OR UNSEEN UID 1,5:4294967295",
    "UID SEARCH UNDELETED OR (UNSEEN SINCE 1-Jan-2020) UID 3:4294967295",
    "UID SEARCH UNDELETED",
)


def answers(server: Server) -> dict[str, list[str]]:
    """Untagged lines that tell of messages and positions, by command."""
    account, told = server.account(), {}
    with socket.create_connection(("127.0.0.1", account.port), 10) as connection:
        lines = connection.makefile("rb")
        lines.readline()
        for command in (f'LOGIN "{account.user}" "{account.password}"', *QUESTIONS):
            connection.sendall(f"a {command}\r\n".encode())
            answer = []
            while not (line := lines.readline().decode()).startswith("a "):
                answer.append(line.strip().replace('"', ""))
            kinds = ("EXISTS", "UIDNEXT", "STATUS", "SEARCH", "UID ")
            told[command] = [line for line in answer if any(kind in line for kind in kinds)]
    return told


@pytest.mark.services
@pytest.mark.parametrize("is_empty", [True, False])
def test_the_stand_in_answers_as_courier_does(*, is_empty: bool) -> None:
    with Courier() as real, FakeImap({}, behaviour=COURIER) as copy:
        if not is_empty:
            fill(real)
            fill(copy)
        told = answers(real), answers(copy)
    assert list(told[0].values())[1:] == list(told[1].values())[1:]
    assert told[0]["UID SEARCH UID *"] == ["* SEARCH"]
