"""How far an IMAP folder has been taken over."""

import pytest

from incoming_email.inboxes.imap.position import Folder, Position, Progress

FOLDER = Folder(validity=7, uid_next=21)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("7:40", Position(7, 40)),
        ("7:40:3,9", Position(7, 40, (3, 9))),
        ("4294967295:4294967295", Position(4294967295, 4294967295)),
    ],
)
def test_a_position_is_read_and_written_alike(text: str, position: Position) -> None:
    assert Position.parse(text) == position
    assert str(position) == text


@pytest.mark.parametrize("text", ["", "7", "7:", "7:40:", "7:40:3,", "a:b", "7:-1", "٧:٤", "7:4\n"])
def test_anything_else_is_no_position(text: str) -> None:
    assert Position.parse(text) is None


def test_the_first_search_takes_unread_mail_and_what_comes_from_now_on() -> None:
    assert Progress("", FOLDER).criteria == "UNDELETED OR UNSEEN UID 21:4294967295"


def test_a_known_position_takes_what_lies_above_it_too() -> None:
    assert Progress("7:12", FOLDER).criteria == "UNDELETED OR UNSEEN UID 13:4294967295"


def test_owed_messages_below_the_mark_are_searched_by_name() -> None:
    progress = Progress("7:12:3,5", FOLDER)
    assert progress.criteria == "UNDELETED OR UNSEEN UID 3,5,13:4294967295"


def test_new_ids_mean_that_everything_is_read_again() -> None:
    progress = Progress("6:12", FOLDER)
    assert progress.criteria == "UNDELETED"
    assert progress.resynchronised


def test_neither_a_first_nor_a_known_opening_is_a_resynchronisation() -> None:
    assert not Progress("", FOLDER).resynchronised
    assert not Progress("7:12", FOLDER).resynchronised


def test_the_mark_moves_batch_by_batch() -> None:
    progress = Progress("7:12", FOLDER)
    progress.found([13, 15, 18])
    assert progress.position == "7:12"
    progress.acknowledge([13])
    assert progress.position == "7:13"
    progress.acknowledge([15, 18])
    assert progress.position == "7:18"


def test_the_mark_waits_below_a_message_not_yet_acknowledged() -> None:
    progress = Progress("7:12", FOLDER)
    progress.found([13, 15, 18])
    progress.acknowledge([18])
    assert progress.position == "7:12"
    progress.acknowledge([13, 15])
    assert progress.position == "7:18"


def test_an_unreadable_message_stays_owed_behind_the_mark() -> None:
    progress = Progress("7:12", FOLDER)
    progress.found([13, 15, 18])
    progress.skip(15)
    progress.acknowledge([13, 18])
    assert progress.position == "7:18:15"
    progress.found([15])
    progress.acknowledge([15])
    assert progress.position == "7:18"


def test_an_unreadable_message_that_is_gone_is_owed_no_more() -> None:
    progress = Progress("7:18:15", FOLDER)
    progress.found([])
    assert progress.position == "7:18"


def test_the_mark_stays_below_the_eleventh_unreadable_message() -> None:
    progress = Progress("7:12", FOLDER)
    progress.found(list(range(13, 31)))
    for uid in range(14, 26):  # twelve of them, 14 to 25
        progress.skip(uid)
    progress.acknowledge([13, *range(26, 31)])
    assert progress.position == "7:13"


def test_a_first_reading_broken_off_leaves_no_mark() -> None:
    progress = Progress("", FOLDER)
    progress.found([3, 8])
    progress.acknowledge([3])
    assert progress.position == ""
    progress.acknowledge([8])
    assert progress.position == "7:20"


def test_a_first_reading_that_finds_nothing_marks_where_new_mail_begins() -> None:
    progress = Progress("", FOLDER)
    progress.found([])
    assert progress.position == "7:20"


def test_a_resynchronisation_broken_off_is_begun_again() -> None:
    progress = Progress("6:99", FOLDER)
    progress.found([1, 2])
    progress.acknowledge([1])
    assert progress.position == "6:99"
    assert Progress(progress.position, FOLDER).criteria == "UNDELETED"
    progress.acknowledge([2])
    assert progress.position == "7:20"
    assert progress.criteria == "UNDELETED OR UNSEEN UID 21:4294967295"
