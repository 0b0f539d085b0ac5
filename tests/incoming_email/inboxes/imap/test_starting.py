"""Where a mailbox begins: mail before a time left alone, counted, or filled in later."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from incoming_email.inboxes.imap.position import (
    Backfill,
    Folder,
    Position,
    Progress,
    begin,
    name_day,
)
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import Dovecot
from tests.servers.fake_imap import FakeImap
from tests.servers.reading import contents, mail, read_all, uids

MAY = datetime(2026, 5, 1, tzinfo=UTC)
NOON = timedelta(hours=12)
FOLDER = Folder(validity=7, uid_next=21)


@pytest.fixture
def dated(dovecot: Dovecot, imap_user: str) -> str:
    """A user with mail of 30 April, 1 May and 2 May, noon each, the last one read."""
    with dovecot.session(imap_user) as client:
        for day, name in ((-1, "april"), (0, "first"), (1, "second")):
            client.append("INBOX", mail(name), msg_time=MAY + NOON + timedelta(days=day))
    dovecot.flag(imap_user, [3], rb"\Seen")
    return imap_user


@pytest.mark.services
def test_unread_mail_before_the_start_is_left_alone(dovecot: Dovecot, dated: str) -> None:
    account = dovecot.account(dated, starts_at=MAY + timedelta(hours=1))
    with open_inbox(account) as inbox:
        assert inbox.count_waiting() == 1
        assert contents(read_all(inbox)) == [mail("first")]
        position = inbox.position
    assert dovecot.messages(dated)[1] == set()

    dovecot.append(dated, mail("new"))
    with open_inbox(account, position=position) as inbox:
        assert contents(read_all(inbox)) == [mail("new")]


@pytest.mark.services
def test_the_hour_counts_and_not_only_the_day(dovecot: Dovecot, dated: str) -> None:
    with open_inbox(dovecot.account(dated, starts_at=MAY + NOON + timedelta(seconds=1))) as inbox:
        assert read_all(inbox) == []


@pytest.mark.services
def test_above_the_mark_mail_is_taken_whatever_the_servers_clock_says(
    dovecot: Dovecot, dated: str
) -> None:
    account = dovecot.account(dated, starts_at=MAY + timedelta(days=90))
    with open_inbox(account) as inbox:
        assert read_all(inbox) == []
        position = inbox.position
    with dovecot.session(dated) as client:
        client.append("INBOX", mail("slow clock"), msg_time=MAY)

    with open_inbox(account, position=position) as inbox:
        assert contents(read_all(inbox)) == [mail("slow clock")]


@pytest.mark.services
def test_new_ids_do_not_bring_back_what_came_before_the_start(dovecot: Dovecot, dated: str) -> None:
    account = dovecot.account(dated, starts_at=MAY, delete_after_delivery=False)
    dovecot.set_uid_validity(dated, 99)
    last_reading = MAY - timedelta(days=30)

    with open_inbox(account, position=f"98:3@{int(last_reading.timestamp())}") as inbox:
        assert inbox.resynchronised
        assert contents(read_all(inbox)) == [mail("first"), mail("second")]


@pytest.mark.services
def test_what_came_since_a_day_is_counted_and_filled_in_though_it_is_seen(
    dovecot: Dovecot, dated: str
) -> None:
    account = dovecot.account(dated, delete_after_delivery=False)
    with open_inbox(account, position="1:3", since=MAY) as inbox:
        assert inbox.count_waiting() == 2
        assert uids(read_all(inbox)) == [2, 3]
        assert (inbox.position, inbox.resynchronised) == (None, True)
    assert dovecot.messages(dated)[1] == set()


def test_i06_the_date_is_bare() -> None:
    with FakeImap({1: mail("one")}) as server:
        account = server.account(starts_at=datetime(2024, 1, 2, tzinfo=UTC))
        with open_inbox(account) as inbox:
            read_all(inbox)
        (search,) = server.sent("SEARCH")
    assert search == "UID SEARCH UNDELETED OR (UNSEEN SINCE 1-Jan-2024) UID 2:4294967295"


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2024, 3, 1, tzinfo=UTC), "SINCE 29-Feb-2024"),
        (datetime(2026, 1, 1, 5, tzinfo=UTC), "SINCE 31-Dec-2025"),
        (datetime.fromisoformat("2026-05-02T08:00:00+09:00"), "SINCE 30-Apr-2026"),
    ],
)
def test_the_day_before_is_asked_for_since_the_servers_time_zone_counts(
    moment: datetime, day: str
) -> None:
    assert name_day(moment) == day


@pytest.mark.parametrize(
    ("position", "found", "judged"),
    [
        ("", [20, 21], [20]),  # the next UID is 21
        ("7:12:3@1777636800", [2, 3, 12, 13], [2, 12]),  # 3 is owed, 13 is new
        ("7:12:3@1577836800", [2, 3, 12, 13], [2, 3, 12, 13]),  # the start was set later
        ("7:12:3", [2, 3, 12, 13], [2, 3, 12, 13]),  # maybe it was
        ("6:12@1777636800", [1, 20, 21], [1, 20]),  # all have new names
    ],
)
def test_only_what_is_neither_new_nor_owed_is_judged_by_its_date(
    position: str, found: Sequence[int], judged: Sequence[int]
) -> None:
    last = Position.parse(position)
    known = last if last and last.validity == FOLDER.validity else None
    progress = Progress(known or begin(last, FOLDER, now=MAY + NOON), MAY)
    progress.found(found, searched_at=MAY + NOON)
    assert [uid for uid in found if progress.find_earliest(uid) == MAY] == judged


def test_a_filling_in_leaves_the_mark_alone() -> None:
    progress = Backfill(MAY)
    progress.found([1, 2], searched_at=MAY)
    progress.skip(1)
    progress.acknowledge([2])
    assert (progress.position, progress.criteria) == (None, "UNDELETED SINCE 30-Apr-2026")
