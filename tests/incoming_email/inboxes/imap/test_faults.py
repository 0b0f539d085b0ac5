"""Reading from IMAP servers that err; group I of the public bug reports."""

import time
import tracemalloc

import pytest

from incoming_email.inboxes import trouble
from incoming_email.inboxes.base import InboxError, RawMessage
from incoming_email.inboxes.imap import wire as imap_wire
from incoming_email.inboxes.imap.messages import NO_CONTENT, NO_SIZE
from incoming_email.inboxes.opening import open_inbox
from tests.servers.fake_imap import DRIP, DROP, HANG, FakeImap
from tests.servers.reading import contents, faults, mark_of, read_all, read_each, refusal

ONE = b"Subject: one\r\n\r\n1\r\n"


TWO = b"Subject: two\r\n\r\n2\r\n"


THREE = b"Subject: three\r\n\r\n3\r\n"


MAIL = {1: ONE, 2: TWO, 3: THREE}


def fetched(*pairs: tuple[int, bytes]) -> bytes:
    lines = [
        b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(content), content)
        for uid, content in pairs
    ]
    return b"".join(lines)


def test_the_fake_server_itself_is_read() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        assert contents(read_all(inbox)) == [ONE, TWO, THREE]
        assert mark_of(inbox.position) == "7:3"
    assert server.flags == {uid: {"\\Seen", "\\Deleted"} for uid in MAIL}
    assert server.commands[-1] == "LOGOUT"


def test_i04_a_bye_within_a_fetch_is_no_mail_and_the_reading_goes_on() -> None:
    with FakeImap(MAIL) as server:
        half = fetched((1, ONE), (2, TWO)) + b"* BYE Autologout\r\n"
        server.script("BODY.PEEK", half, then=DROP)
        with open_inbox(server.account()) as inbox:
            assert contents(read_all(inbox)) == [ONE, TWO, THREE]
            assert mark_of(inbox.position) == "7:3"
        assert server.connections == 2


def test_i05_only_peek_is_asked_for() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        read_all(inbox)
        assert server.sent("UID FETCH") == [
            "UID FETCH * (UID INTERNALDATE)",
            "UID FETCH 1,2,3 (RFC822.SIZE)",
            "UID FETCH 1,2,3 (BODY.PEEK[])",
        ]


@pytest.mark.parametrize("item", [b"FLAGS ()", b"BODY[] NIL", b"BODY[] {0}\r\n", b'BODY[] ""'])
def test_i05_no_content_is_an_error_and_no_empty_mail(item: bytes) -> None:
    with FakeImap(MAIL) as server:
        empty = b"* 2 FETCH (UID 2 " + item + b")\r\nTAG OK done\r\n"
        server.script("BODY.PEEK", fetched((1, ONE), (3, THREE)) + empty)
        with open_inbox(server.account(delete_after_delivery=False)) as inbox:
            found = read_each(inbox)
            assert contents(found) == [ONE, THREE, b""]
            assert faults(found)[2] == "UID 2 of the folder inbox: " + NO_CONTENT
            assert server.flags[2] == set()
            assert mark_of(inbox.position) == "7:3"
            assert contents(read_all(inbox)) == [TWO]


def test_i06_i08_the_search_has_no_date_and_no_charset() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account(), position="7:1") as inbox:
        read_all(inbox)
        assert server.sent("SEARCH") == ["UID SEARCH UNDELETED OR UNSEEN UID 2:4294967295"]


def test_i10_no_command_goes_by_sequence_number() -> None:
    with FakeImap(MAIL) as server:
        account = server.account(expunge_deleted=True)
        server.script(
            "RFC822.SIZE", b"* 1 EXPUNGE\r\n* 1 FETCH (UID 2 RFC822.SIZE 19)\r\nTAG OK done\r\n"
        )
        with open_inbox(account) as inbox:
            found = read_each(inbox)
        assert contents(found) == [b"", b"", TWO]
        assert faults(found)[3] == "UID 3 of the folder inbox: " + NO_SIZE
        for verb in ("SEARCH", "FETCH", "STORE", "EXPUNGE"):
            assert server.sent(verb)
            assert all(line.startswith(f"UID {verb}") for line in server.sent(verb))


@pytest.mark.slow
def test_i18_an_answer_of_many_kilobytes_is_read() -> None:
    uids = range(1_000_000, 1_150_000)
    answer = b"* SEARCH " + b" ".join(b"%d" % uid for uid in uids) + b"\r\nTAG OK done\r\n"
    assert len(answer) > 1_000_000
    with FakeImap({}) as server:
        server.script("SEARCH", answer)
        server.script("RFC822.SIZE", b"TAG OK nothing\r\n", times=300)
        with open_inbox(server.account()) as inbox:
            assert list(inbox.unread()) == []
            asked = server.sent("RFC822.SIZE")
    assert len(asked) == 300
    assert asked[-1].endswith(",1149999 (RFC822.SIZE)")


def test_a_search_answered_in_parts_and_with_a_modseq_is_read() -> None:
    with FakeImap(MAIL) as server:
        server.script("SEARCH", b"* SEARCH 3 1\r\n* SEARCH 2 (MODSEQ 917162500)\r\nTAG OK done\r\n")
        with open_inbox(server.account()) as inbox:
            assert contents(read_all(inbox)) == [ONE, TWO, THREE]


def test_i19_an_answer_without_data_is_no_empty_mail() -> None:
    with FakeImap(MAIL) as server:
        server.script("BODY.PEEK", b"TAG OK nothing here\r\n")
        with open_inbox(server.account(batch_count=2)) as inbox:
            found = read_each(inbox)
            assert contents(found) == [b"", b"", THREE]
            assert [uid for uid, fault in faults(found).items() if fault] == [1, 2]


@pytest.mark.parametrize("end", [b"\r\n)", b"\r\n FLAGS (\\Recent))", b")", b" FLAGS ())"])
def test_i23_a_blank_line_behind_a_literal_does_not_break_the_framing(end: bytes) -> None:
    first = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%s%s\r\n" % (len(ONE), ONE, end)
    with FakeImap(MAIL) as server:
        server.script("BODY.PEEK", first + fetched((2, TWO), (3, THREE)) + b"TAG OK done\r\n")
        with open_inbox(server.account()) as inbox:
            assert contents(read_all(inbox)) == [ONE, TWO, THREE]
        assert server.connections == 1


def test_i24_a_literal_announced_too_long_holds_up_its_own_message_only() -> None:
    long = b"* 2 FETCH (UID 2 BODY[] {225752}\r\n" + TWO + b")\r\nTAG OK done\r\n"
    with FakeImap(MAIL) as server:
        server.script("FETCH 1,2,3 (BODY", long, then=HANG)
        server.script("FETCH 2 (BODY", long, then=HANG)
        with open_inbox(server.account(timeout=1.0)) as inbox:
            found = read_each(inbox)
        assert contents(found) == [ONE, b"", THREE]
        assert "no answer in time" in faults(found)[2]
        assert server.flags[2] == set()


def test_a_server_that_breaks_at_every_message_is_given_up() -> None:
    with FakeImap(dict.fromkeys(range(1, 9), ONE)) as server:
        server.script("BODY.PEEK", b"", then=DROP, times=99)
        found: list[RawMessage] = []
        with open_inbox(server.account()) as inbox, pytest.raises(InboxError, match="EOF"):
            found.extend(message for batch in inbox.unread() for message in batch)
        assert list(faults(found)) == [*range(1, 1 + trouble.MAX_IN_A_ROW)]
        # The first connection, and a new one after each break.
        assert server.connections == 2 + trouble.MAX_IN_A_ROW


def test_i25_a_literal_of_no_bytes_is_read() -> None:
    with FakeImap({5: b"", 6: ONE}) as server, open_inbox(server.account()) as inbox:
        assert contents(read_all(inbox)) == [b"", ONE]


@pytest.mark.parametrize("size", [10**9, 10**15, 10**30])
def test_a_huge_literal_takes_no_memory(size: int) -> None:
    with FakeImap({1: ONE}) as server:
        server.script("BODY.PEEK", b"* 1 FETCH (UID 1 BODY[] {%d}\r\nx" % size, then=HANG, times=99)
        with open_inbox(server.account()) as inbox:
            tracemalloc.start()
            try:
                found = read_each(inbox)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
    assert peak < 5_000_000
    assert f"the server announced {size} bytes, more than can be accepted" in faults(found)[1]


def test_an_endless_answer_is_cut_off() -> None:
    with FakeImap({1: ONE}) as server:
        server.script("SEARCH", b"* OK %s\r\n" % (b"x" * 1_000_000) * 20, then=HANG)
        account = server.account(timeout=60.0, max_message_bytes=1000, batch_bytes=1000)
        start = time.monotonic()
        with (
            open_inbox(account) as inbox,
            pytest.raises(InboxError, match="more than 16000000"),
        ):
            read_all(inbox)
    # No LOGOUT is tried on a connection that is in the midst of an answer.
    assert time.monotonic() - start < 60


def test_an_answer_that_drips_for_ever_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_wire, "TIMEOUTS_PER_COMMAND", 1)
    with FakeImap({1: ONE}) as server, open_inbox(server.account(timeout=1.0)) as inbox:
        server.script("SEARCH", b"* OK wait\r\n", then=DRIP)
        start = time.monotonic()
        with pytest.raises(InboxError, match="no answer in time"):
            read_all(inbox)
        assert time.monotonic() - start > 0.9


def test_nothing_is_marked_by_reading() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        assert len(list(inbox.unread())) == 1
    assert server.flags == {1: set(), 2: set(), 3: set()}


def test_a_folder_is_never_closed() -> None:
    with FakeImap(MAIL) as server:
        with open_inbox(server.account()) as inbox:
            read_all(inbox)
        assert server.sent("CLOSE") == []
        assert set(server.messages) == {1, 2, 3}


def test_a_read_only_folder_is_refused() -> None:
    with FakeImap(MAIL) as server:
        server.script("SELECT", b"* 3 EXISTS\r\n* OK [READ-ONLY] no\r\nTAG OK [READ-ONLY] ok\r\n")
        fault = refusal(server.account())
    assert fault.remedy == "Give this user the right to change flags in the folder."


def test_a_refused_store_leaves_the_mark_where_it_was() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account(), position="7:1") as inbox:
        server.script("STORE", b"TAG NO disk full\r\n")
        with pytest.raises(InboxError, match="disk full"):
            read_all(inbox)
        assert mark_of(inbox.position) == "7:1"


def test_new_ids_after_a_broken_connection_end_the_reading() -> None:
    with FakeImap(MAIL) as server, open_inbox(server.account()) as inbox:
        server.script("BODY.PEEK", b"", then=DROP)
        server.validity = 8
        with pytest.raises(InboxError, match="UIDVALIDITY"):
            read_all(inbox)


def test_a_message_of_another_folder_is_not_acknowledged() -> None:
    stranger = RawMessage("00000000:7:1", ONE)
    with (
        FakeImap(MAIL) as server,
        open_inbox(server.account()) as inbox,
        pytest.raises(InboxError, match="not of this folder"),
    ):
        inbox.acknowledge([stranger])
    assert server.sent("STORE") == []


NONSENSE = [
    b"* FETCH\r\nTAG OK done\r\n",
    b"* 1 FETCH (UID 1 BODY[] 5)\r\nTAG OK done\r\n",
    b"* 1 FETCH (UID x BODY[] {1}\r\n1)\r\nTAG OK done\r\n",
    b"* 1 FETCH (UID 1 BODY 5)\r\nTAG OK done\r\n",
    b"* 1 FETCH (UID 1 BODY[\r\nTAG OK done\r\n",
    b"* 1 FETCH " + b"(" * 5000 + b"\r\nTAG OK done\r\n",
    b"* 1 FETCH NIL\r\nTAG OK done\r\n",
    b"\r\n\r\n",
    b"* SEARCH x y\r\nTAG OK done\r\n",
    b"* SEARCH {3}\r\nabc\r\nTAG OK done\r\n",
    b"\xff\xfe\x00",
    b"* 1 EXISTS\nTAG OK done\n",
    b"TAG",
    b"OTHER OK\r\n",
    b"* BAD [\xff] \r\nTAG NO [\xff]\r\n",
]


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "SEARCH", "RFC822.SIZE", "BODY.", "STORE"])
@pytest.mark.parametrize("answer", NONSENSE)
def test_nonsense_is_an_inbox_error_or_no_mail(command: str, answer: bytes) -> None:
    with FakeImap({1: ONE}) as server:
        server.script(command, answer, then=DROP, times=9)
        found: list[bytes] | str = []
        try:
            with open_inbox(server.account()) as inbox:
                found = contents(read_all(inbox))
        except InboxError as fault:
            found = fault.detail and fault.remedy
        assert found in ([], [ONE]) or (isinstance(found, str) and found)
