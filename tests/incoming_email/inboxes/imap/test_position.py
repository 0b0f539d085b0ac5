"""How far an IMAP folder has been taken over."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from incoming_email.inboxes.imap.position import (
    CLOCK_SLACK,
    MAX_MISSED,
    Folder,
    Position,
    Progress,
    begin,
)

FOLDER = Folder(validity=7, uid_next=21)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def go_on(text: str, starts_at: datetime | None = None) -> Progress:
    position = Position.parse(text)
    assert position is not None
    return Progress(position, starts_at)


def begin_anew(last: str = "") -> Progress:
    return Progress(begin(Position.parse(last), FOLDER, now=NOW))


def find(progress: Progress, uids: Sequence[int], *, dated: Sequence[int] = ()) -> None:
    progress.found(uids, dated, searched_at=NOW)


def mark(progress: Progress) -> str:
    return progress.position.partition("@")[0]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("7:40", Position(7, 40)),
        ("7:40:3,9", Position(7, 40, (3, 9))),
        ("4294967295:4294967295", Position(4294967295, 4294967295)),
        ("7:40@1777636800", Position(7, 40, (), NOW)),
        ("7:40:3,9@1777636800*", Position(7, 40, (3, 9), NOW, is_renamed=True)),
        ("7:40*", Position(7, 40, is_renamed=True)),
    ],
)
def test_a_position_is_read_and_written_alike(text: str, position: Position) -> None:
    assert Position.parse(text) == position
    assert str(position) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "7:", "7:40:", "7:40:3,", "a:b", "7:-1", "٧:٤", "7:4\n"),
        *("7:4@", "7:4@x", "7:4*@1", "7:4@11111111111"),
    ],
)
def test_anything_else_is_no_position(text: str) -> None:
    assert Position.parse(text) is None


def test_the_first_search_takes_unread_mail_and_what_comes_from_now_on() -> None:
    assert begin_anew().criteria == "UNDELETED OR UNSEEN UID 21:4294967295"
    assert begin_anew().dated_criteria == ""


def test_a_known_position_takes_what_lies_above_it_too() -> None:
    assert go_on("7:12").criteria == "UNDELETED OR UNSEEN UID 13:4294967295"
    assert go_on("7:12@1777636800").dated_criteria == ""


def test_owed_messages_below_the_mark_are_searched_by_name() -> None:
    progress = go_on("7:12:3,5")
    assert progress.criteria == "UNDELETED OR UNSEEN UID 3,5,13:4294967295"


def test_neither_a_first_nor_a_known_opening_is_a_resynchronisation() -> None:
    assert not begin_anew().resynchronised
    assert not go_on("7:12").resynchronised


def test_the_mark_moves_batch_by_batch() -> None:
    progress = go_on("7:12")
    find(progress, [13, 15, 18])
    assert mark(progress) == "7:12"
    progress.acknowledge([13])
    assert mark(progress) == "7:13"
    progress.acknowledge([15, 18])
    assert mark(progress) == "7:18"


def test_the_mark_waits_below_a_message_not_yet_acknowledged() -> None:
    progress = go_on("7:12")
    find(progress, [13, 15, 18])
    progress.acknowledge([18])
    assert mark(progress) == "7:12"
    progress.acknowledge([13, 15])
    assert mark(progress) == "7:18"


def test_an_unreadable_message_stays_owed_behind_the_mark() -> None:
    progress = go_on("7:12")
    find(progress, [13, 15, 18])
    progress.skip(15)
    progress.acknowledge([13, 18])
    assert mark(progress) == "7:18:15"
    find(progress, [15])
    progress.acknowledge([15])
    assert mark(progress) == "7:18"


def test_an_unreadable_message_stays_owed_while_the_next_reading_lasts() -> None:
    """It may be broken off before the message is tried, and somebody may have opened it."""
    progress = go_on("7:18:15")
    find(progress, [2, 15])
    progress.acknowledge([2])
    assert mark(progress) == "7:18:15"


def test_an_unreadable_message_that_is_gone_is_owed_no_more() -> None:
    progress = go_on("7:18:15")
    find(progress, [])
    assert mark(progress) == "7:18"


def test_the_mark_stays_below_the_eleventh_unreadable_message() -> None:
    progress = go_on("7:12")
    find(progress, list(range(13, 31)))
    for uid in range(14, 26):  # twelve of them, 14 to 25
        progress.skip(uid)
    progress.acknowledge([13, *range(26, 31)])
    assert progress.position == "7:13"


def test_a_first_reading_broken_off_goes_on_from_where_it_began() -> None:
    progress = begin_anew()
    assert progress.position == "7:20@1777636800"
    find(progress, [3, 8])
    progress.acknowledge([3])
    assert progress.position == "7:20@1777636800"


def test_a_first_reading_with_many_unreadable_messages_has_a_position() -> None:
    progress = begin_anew()
    uids = list(range(1, MAX_MISSED + 3))
    find(progress, uids)
    for uid in uids:
        progress.skip(uid)
    assert mark(progress) == "7:20:1,2,3,4,5,6,7,8,9,10"
    find(progress, [*uids, 21])
    for uid in uids:
        progress.skip(uid)
    progress.acknowledge([21])
    assert mark(progress) == "7:21:1,2,3,4,5,6,7,8,9,10"


def test_a_first_reading_that_finds_nothing_marks_where_new_mail_begins() -> None:
    progress = begin_anew()
    find(progress, [])
    assert mark(progress) == "7:20"


# After a change of UIDVALIDITY


def test_new_ids_bring_back_unread_mail_and_what_came_since_the_last_reading() -> None:
    progress = begin_anew("6:12@1777636800")
    assert progress.criteria == "UNDELETED OR UNSEEN UID 21:4294967295"
    assert progress.dated_criteria == "UNDELETED SINCE 30-Apr-2026"
    assert progress.resynchronised
    find(progress, [2, 3, 21], dated=[3])
    assert [progress.find_earliest(uid) for uid in (2, 3, 21)] == [None, NOW, None]


def test_new_ids_after_a_position_without_a_time_bring_back_unread_mail_only() -> None:
    progress = begin_anew("6:12")
    assert progress.resynchronised
    assert progress.dated_criteria == ""


def test_another_folder_begins_as_a_new_one_but_what_is_stored_is_known() -> None:
    progress = Progress(begin(None, FOLDER, now=NOW, is_elsewhere=True))
    assert progress.resynchronised
    assert progress.dated_criteria == ""
    assert progress.position == "7:20*"


def test_a_resynchronisation_broken_off_goes_on_from_where_it_began() -> None:
    progress = begin_anew("6:99@1777629600")
    find(progress, [1, 2], dated=[2])
    progress.acknowledge([1])
    assert progress.position == "7:20@1777629600*"
    again = go_on(progress.position)
    assert again.resynchronised
    assert again.dated_criteria == "UNDELETED SINCE 30-Apr-2026"
    progress.acknowledge([2])
    assert (mark(progress), progress.resynchronised) == ("7:20", False)
    assert progress.dated_criteria == ""


def test_a_resynchronisation_is_not_over_while_it_can_not_name_what_is_unreadable() -> None:
    progress = begin_anew("6:99@1777629600")
    uids = list(range(1, MAX_MISSED + 2))
    find(progress, uids)
    for uid in uids:
        progress.skip(uid)
    assert progress.position == "7:20:1,2,3,4,5,6,7,8,9,10@1777629600*"


# The time of the last reading


def test_a_whole_reading_moves_the_time_and_one_broken_off_does_not() -> None:
    progress = Progress(Position(7, 20, (), NOW - HOUR))
    find(progress, [21])
    assert Position.parse(progress.position) == Position(7, 20, (), NOW - HOUR)
    progress.acknowledge([21])
    assert Position.parse(progress.position) == Position(7, 21, (), NOW - CLOCK_SLACK)


def test_the_time_never_lies_before_the_first_reading() -> None:
    progress = begin_anew()
    find(progress, [])
    assert progress.position == "7:20@1777636800"


def test_a_start_that_is_set_later_counts_above_the_mark_until_it_is_reached() -> None:
    progress = Progress(Position(7, 20, (3,), NOW - HOUR), NOW)
    find(progress, [3, 21])
    assert [progress.find_earliest(uid) for uid in (3, 21)] == [NOW, NOW]
    progress.acknowledge([3, 21])
    assert Position.parse(progress.position) == Position(7, 21, (), NOW)
    find(progress, [22])
    assert progress.find_earliest(22) is None


def test_a_start_that_is_still_to_come_counts_until_then() -> None:
    progress = Progress(Position(7, 20, (), NOW), NOW + HOUR)
    find(progress, [])
    find(progress, [21])
    assert progress.find_earliest(21) == NOW + HOUR


def test_the_longest_position_fits_its_column() -> None:
    top = 4_294_967_295
    position = Position(10**20 - 1, top, (top,) * MAX_MISSED, NOW, is_renamed=True)
    assert len(str(position)) <= 255 - len("0123456789abcdef ")
