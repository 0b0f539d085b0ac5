"""Where new mail begins: what a server may say instead of a right UIDNEXT, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.position import NO_POSITION_REMEDY, NO_UID_NEXT, NO_VALIDITY
from incoming_email.inboxes.opening import open_inbox
from tests.servers.fake_imap import DROP, FakeImap
from tests.servers.imap_behaviours import CORRECT, COURIER, MAILUTILS, WITHOUT_POSITION, Behaviour
from tests.servers.reading import mail, mark_of, read_all, refusal, take_in, uids

SEEN = "\\Seen"
MAY = datetime(2026, 5, 1, tzinfo=UTC)
NEXT = b"* OK [UIDNEXT %s] next\r\n"
STATUS = b"* STATUS INBOX (%s)\r\nTAG OK done\r\n"
VALIDITY = b"* OK [UIDVALIDITY 7] ids\r\n"


def select(*lines: bytes, exists: int = 4) -> bytes:
    return b"* %d EXISTS\r\n" % exists + b"".join(lines) + b"TAG OK [READ-WRITE] ok\r\n"


def first_new(server: FakeImap) -> str:
    """The UID from which on the first reading takes read mail too."""
    take_in(server.account(delete_after_delivery=False))
    search = server.sent("SEARCH")[-1]
    return search.removesuffix(":4294967295").rpartition(" ")[2]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        NEXT % b"0",
        NEXT % b"NIL",
        NEXT % b"soon",
        NEXT % b"1",
        NEXT % b"4",
        NEXT % b"4294967296",
        NEXT % (b"9" * 5000),
        b"* OK [UIDNEXT] next\r\n",
    ],
)
@pytest.mark.parametrize(
    "status",
    [
        None,
        b"TAG NO not now\r\n",
        b"TAG BAD unknown command\r\n",
        b"TAG OK done\r\n",
        STATUS % b"",
        STATUS % b"MESSAGES 4",
        STATUS % b"MESSAGES 4 UIDNEXT 0",
        STATUS % b"MESSAGES 4 UIDNEXT 2",
        STATUS % b"MESSAGES 4 UIDNEXT NIL",
        STATUS % b"MESSAGES 3 UIDNEXT 5",
        STATUS % b"MESSAGES 9 UIDNEXT 10",
        b"* STATUS INBOX\r\nTAG OK done\r\n",
        b"* STATUS INBOX (UIDNEXT (\r\nTAG OK done\r\n",
    ],
)
def test_a_useless_uidnext_makes_no_read_mail_new(line: bytes, status: bytes | None) -> None:
    """UIDs 5 to 8: a UIDNEXT that was the number of messages and one would be too low, too."""
    with FakeImap(dict.fromkeys(range(5, 9), mail("old"))) as server:
        server.script("SELECT", select(VALIDITY, line))
        if status is not None:
            server.script("STATUS", status)
        assert first_new(server) == "9"


@pytest.mark.parametrize("line", [NEXT % b"5", NEXT % b"8"])
def test_a_uidnext_below_a_message_that_is_there_is_corrected(line: bytes) -> None:
    with FakeImap(dict.fromkeys(range(5, 9), mail("old"))) as server:
        server.script("SELECT", select(VALIDITY, line))
        assert first_new(server) == "9"


@pytest.mark.parametrize(
    ("behaviour", "asked"),
    [(CORRECT, []), (COURIER, ["STATUS inbox (MESSAGES UIDNEXT)"]), (MAILUTILS, [])],
)
def test_the_next_uid_of_the_server_counts_when_the_newest_message_is_gone(
    behaviour: Behaviour, asked: list[str]
) -> None:
    with FakeImap({1: mail("one"), 2: mail("gone")}, behaviour=behaviour) as server:
        del server.messages[2]
        assert first_new(server) == "3"
        assert [line.replace('"', "") for line in server.sent("STATUS")] == asked


def test_where_only_uidnext_is_told_it_is_believed() -> None:
    with FakeImap(dict.fromkeys(range(5, 9), mail("old"))) as server:
        server.script("FETCH *", b"TAG BAD no star here\r\n")
        assert first_new(server) == "9"


def test_a_folder_that_is_known_is_asked_nothing() -> None:
    with FakeImap({1: mail("one")}, behaviour=COURIER) as server:
        assert take_in(server.account(), "7:0")[0] == [1]
        assert (server.sent("STATUS"), server.sent("FETCH *")) == ([], [])


WITHOUT_UIDNEXT = (COURIER, Behaviour(tells_uid_next=False))
WITHOUT_STATUS = Behaviour(tells_uid_next=False, knows_status=False)


@pytest.mark.parametrize("present", [0, 2])
@pytest.mark.parametrize(
    ("behaviour", "question"),
    [
        *((each, "STATUS") for each in WITHOUT_UIDNEXT),
        *((each, "UID") for each in (CORRECT, WITHOUT_STATUS, *WITHOUT_UIDNEXT)),
    ],
)
def test_mail_that_comes_meanwhile_is_taken_though_it_is_opened_at_once(
    question: str, behaviour: Behaviour, present: int
) -> None:
    """After SELECT, before the answer to the first such command, a FETCH or a SEARCH."""
    messages = dict.fromkeys(range(1, present + 1), mail("old"))
    with FakeImap(messages, behaviour=behaviour) as server:
        for uid in messages:
            server.flags[uid] = {SEEN}
        server.before(question, lambda: server.add(mail("new"), SEEN))
        first, position = take_in(server.account())
        second, _position = take_in(server.account(), position)
        assert first + second == [present + 1]
        assert all(server.flags[uid] == {SEEN} for uid in messages)


def test_a_connection_that_breaks_at_the_question_leaves_no_position() -> None:
    with FakeImap({1: mail("one")}, behaviour=COURIER) as server:
        server.flags[1] = {SEEN}
        server.script("STATUS", b"", then=DROP)
        with pytest.raises(InboxError):
            take_in(server.account())
        assert (server.sent("SEARCH"), server.sent("STORE")) == ([], [])
        assert take_in(server.account())[0] == []


# Where no position can be had


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [(WITHOUT_POSITION, NO_UID_NEXT), (Behaviour(tells_validity=False), NO_VALIDITY)],
)
@pytest.mark.parametrize("position", ["", "6:3"])
def test_no_message_is_touched_where_the_server_gives_no_position(
    behaviour: Behaviour, detail: str, position: str
) -> None:
    with FakeImap({1: mail("one")}, behaviour=behaviour) as server:
        with pytest.raises(InboxError) as caught, open_inbox(server.account(), position=position):
            pass
        assert (caught.value.detail, caught.value.remedy) == (detail, NO_POSITION_REMEDY)
        assert (server.sent("SEARCH"), server.sent("STORE")) == ([], [])
        assert server.flags == {1: set()}


@pytest.mark.parametrize("validity", [b"", b" NIL", b" 0", b" x"])
def test_a_uidvalidity_that_is_none_gives_no_position(validity: bytes) -> None:
    with FakeImap({1: mail("one")}) as server:
        line = b"* OK [UIDVALIDITY%s] ids\r\n" % validity
        server.script("SELECT", select(line, NEXT % b"2", exists=1))
        assert refusal(server.account()).detail == NO_VALIDITY


@pytest.mark.parametrize(
    ("behaviour", "position"),
    [(WITHOUT_POSITION, "7:1"), (Behaviour(tells_validity=False), "0:1")],
)
def test_there_too_a_mailbox_that_has_a_position_goes_on(
    behaviour: Behaviour, position: str
) -> None:
    messages = {uid: mail(f"number {uid}") for uid in (1, 2, 3)}
    with FakeImap(messages, behaviour=behaviour) as server:
        for uid in messages:
            server.flags[uid] = {SEEN}
        found, later = take_in(server.account(), position)
        assert (found, mark_of(later)) == ([2, 3], f"{position[0]}:3")
        assert server.flags[1] == {SEEN}


@pytest.mark.parametrize("behaviour", [WITHOUT_POSITION, Behaviour(tells_validity=False)])
def test_there_too_older_mail_can_be_counted_and_filled_in(behaviour: Behaviour) -> None:
    with FakeImap({}, behaviour=behaviour) as server:
        server.add(mail("april"), date=MAY - timedelta(days=2))
        server.add(mail("may"), SEEN, date=MAY + timedelta(hours=12))
        with open_inbox(server.account(), since=MAY) as inbox:
            assert inbox.count_waiting() == 1
            assert uids(read_all(inbox)) == [2]
        assert server.flags[1] == set()


def test_an_empty_folder_is_a_position_only_where_the_server_says_that_it_is_empty() -> None:
    with FakeImap({}, behaviour=WITHOUT_POSITION) as server:
        server.script("SELECT", VALIDITY + b"TAG OK [READ-WRITE] ok\r\n")
        assert refusal(server.account()).detail == NO_UID_NEXT
        found, position = take_in(server.account())
        assert (found, mark_of(position)) == ([], "7:0")


def test_a_uidvalidity_of_milliseconds_is_a_position() -> None:
    with FakeImap({1: mail("one")}, validity=1_598_373_900_000) as server:
        found, position = take_in(server.account())
        assert (found, mark_of(position)) == ([1], "1598373900000:1")
        server.add(mail("opened"), SEEN)
        assert take_in(server.account(), position)[0] == [2]
