"""A Maildir on this machine: what is taken, what is left, what becomes of the files."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.folders import write_position
from incoming_email.inboxes.maildir.account import MaildirFolder
from incoming_email.inboxes.opening import open_inbox
from tests.servers.reading import contents, mail, read_all, refusal
from tests.waiting import PATIENCE_SECONDS

HOUR_AGO = time.time() - 3600


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for folder in ("tmp", "new", "cur"):
        (tmp_path / folder).mkdir()
    return tmp_path


def deliver(maildir: Path, name: str, content: bytes, *, at: float = HOUR_AGO) -> Path:
    """As a mail server does: written in `tmp`, then moved; `name` begins with the folder."""
    path = maildir / "tmp" / "writing"
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path.rename(maildir / name)


def files(maildir: Path) -> list[str]:
    folders = [maildir / "new", maildir / "cur"]
    return sorted(f"{each.name}/{file.name}" for each in folders for file in each.iterdir())


def ingest(account: MaildirFolder, position: str = "", **options: datetime) -> list[bytes]:
    with open_inbox(account, position=position, **options) as inbox:
        return contents(read_all(inbox))


def test_mail_comes_byte_for_byte_oldest_first(maildir: Path) -> None:
    deliver(maildir, "new/2.M1P1.host", b"Subject: b\n\nline\n", at=HOUR_AGO + 1)
    deliver(maildir, "new/1.M1P1.host", b"Subject: a\r\n\r\n\xff\x00\n", at=HOUR_AGO + 2)

    assert ingest(MaildirFolder(str(maildir))) == [
        b"Subject: b\n\nline\n",
        b"Subject: a\r\n\r\n\xff\x00\n",
    ]


def test_delivered_mail_is_deleted(maildir: Path) -> None:
    deliver(maildir, "new/1.M1P1.host", mail("a"))
    deliver(maildir, "cur/2.M1P1.host:2,F", mail("b"))

    ingest(MaildirFolder(str(maildir)))

    assert files(maildir) == []


def test_delivered_mail_may_be_kept_as_seen(maildir: Path) -> None:
    account = MaildirFolder(str(maildir), delete_after_delivery=False)
    deliver(maildir, "new/1.M1P1.host,S=9", mail("a"))
    deliver(maildir, "cur/2.M1P1.host:2,FR", mail("b"))

    assert len(ingest(account)) == 2

    assert files(maildir) == ["cur/1.M1P1.host,S=9:2,S", "cur/2.M1P1.host:2,FRS"]
    assert ingest(account) == []


def test_the_source_id_is_the_part_of_the_name_that_never_changes(maildir: Path) -> None:
    deliver(maildir, "cur/1.M1P1.host,S=9:2,F", mail("a"))
    deliver(maildir, "new/2.M1P1." + "h" * 230, mail("b"), at=HOUR_AGO + 1)
    deliver(maildir, os.fsdecode(b"new/3.\xff"), mail("c"), at=HOUR_AGO + 2)

    with open_inbox(MaildirFolder(str(maildir))) as inbox:
        ids = [message.source_id for message in read_all(inbox)]
    assert (ids[0], len(ids[1]), ids[2]) == ("1.M1P1.host,S=9", 64, "3.\\udcff")


def test_reading_marks_nothing(maildir: Path) -> None:
    deliver(maildir, "new/1.M1P1.host", mail("a"))

    with open_inbox(MaildirFolder(str(maildir))) as inbox:
        assert [contents(list(batch)) for batch in inbox.unread()] == [[mail("a")]]

    assert files(maildir) == ["new/1.M1P1.host"]


def test_seen_and_trashed_mail_is_left_alone(maildir: Path) -> None:
    deliver(maildir, "cur/1.M1P1.host:2,S", mail("seen"))
    deliver(maildir, "cur/2.M1P1.host:2,T", mail("trashed"))

    assert ingest(MaildirFolder(str(maildir))) == []


def test_mail_that_somebody_opened_in_a_mail_program_since_the_last_reading_is_taken(
    maildir: Path,
) -> None:
    account = MaildirFolder(str(maildir))
    with open_inbox(account) as inbox:
        read_all(inbox)
        position = inbox.position
    deliver(maildir, "cur/1.M1P1.host:2,S", mail("opened"), at=time.time() + 1)

    assert ingest(account, position) == [mail("opened")]


def test_links_folders_pipes_and_hidden_files_are_no_mail(maildir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(mail("secret"))
    (maildir / "new/1.link").symlink_to(secret)
    (maildir / "new/2.folder").mkdir()
    os.mkfifo(maildir / "new/3.pipe")
    deliver(maildir, "new/.4.hidden", mail("hidden"))
    deliver(maildir, "new/5.M1P1.host", mail("a"))

    assert ingest(MaildirFolder(str(maildir))) == [mail("a")]


def test_a_file_that_turns_into_a_link_is_not_followed(
    maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(mail("secret"))
    deliver(maildir, "new/1.M1P1.host", mail("a"))
    real = os.open

    def swap_and_open(path: Path, flags: int) -> int:
        path.unlink()
        path.symlink_to(secret)
        return real(path, flags)

    monkeypatch.setattr(os, "open", swap_and_open)
    assert ingest(MaildirFolder(str(maildir))) == []


def test_of_an_oversize_message_the_header_is_read_and_nothing_deleted(maildir: Path) -> None:
    deliver(maildir, "new/1.M1P1.host", mail("large", "x" * 2000))
    account = MaildirFolder(str(maildir), max_message_bytes=1000)

    with open_inbox(account) as inbox:
        (message,) = read_all(inbox)

    assert message.oversize
    assert message.content == b"From: sender@example.com\r\nSubject: large\r\n\r\n"
    assert files(maildir) == ["cur/1.M1P1.host:2,S"]
    assert ingest(account) == []


def test_batches_are_capped_by_count_and_by_bytes(maildir: Path) -> None:
    for number in range(5):
        deliver(maildir, f"new/{number}.M1P1.host", b"x" * 100, at=HOUR_AGO + number)

    def sizes(**limits: int) -> list[int]:
        with open_inbox(MaildirFolder(str(maildir), **limits)) as inbox:
            return [len(batch) for batch in inbox.unread()]

    assert sizes(batch_count=2) == [2, 2, 1]
    assert sizes(batch_bytes=350) == [3, 2]
    assert sizes(batch_bytes=1) == [1, 1, 1, 1, 1]


def test_what_a_mail_program_moves_while_we_read_is_found_again(maildir: Path) -> None:
    account = MaildirFolder(str(maildir), delete_after_delivery=False)
    deliver(maildir, "new/1.M1P1.host", mail("a"))
    deliver(maildir, "new/2.M1P1.host", mail("b"))

    with open_inbox(account) as inbox:
        (batch,) = inbox.unread()
        (maildir / "new/1.M1P1.host").rename(maildir / "cur/1.M1P1.host:2,F")
        (maildir / "new/2.M1P1.host").unlink()
        inbox.acknowledge(batch)

    assert files(maildir) == ["cur/1.M1P1.host:2,FS"]


def test_a_name_given_out_twice_destroys_no_message(maildir: Path) -> None:
    deliver(maildir, "cur/1.M1P1.host:2,S", mail("older"))
    deliver(maildir, "new/1.M1P1.host", mail("newer"))

    assert ingest(MaildirFolder(str(maildir), delete_after_delivery=False)) == [mail("newer")]

    kept = [(maildir / name).read_bytes() for name in files(maildir)]
    assert sorted(kept) == [mail("newer"), mail("older")]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(maildir, "new/1.M1P1.host", mail("closed"))
    deliver(maildir, "new/2.M1P1.host", mail("open"), at=HOUR_AGO + 1)
    real = os.open

    def refuse_the_first(path: Path, flags: int) -> int:
        if path.name.startswith("1."):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse_the_first)
    assert ingest(MaildirFolder(str(maildir))) == [mail("open")]
    monkeypatch.undo()
    assert ingest(MaildirFolder(str(maildir))) == [mail("closed")]


def test_a_message_that_was_not_read_here_is_not_acknowledged(maildir: Path) -> None:
    deliver(maildir, "new/1.M1P1.host", mail("a"))
    account = MaildirFolder(str(maildir))
    with open_inbox(account) as inbox:
        (batch,) = inbox.unread()
    with open_inbox(account) as other, pytest.raises(InboxError, match="was not read here"):
        other.acknowledge(batch)
    assert files(maildir) == ["new/1.M1P1.host"]


def test_mail_before_the_start_is_left_alone(maildir: Path) -> None:
    deliver(maildir, "new/1.M1P1.host", mail("old"), at=HOUR_AGO)
    deliver(maildir, "new/2.M1P1.host", mail("young"), at=HOUR_AGO + 120)
    start = datetime.fromtimestamp(HOUR_AGO, UTC) + timedelta(minutes=1)

    assert ingest(MaildirFolder(str(maildir), starts_at=start)) == [mail("young")]
    assert files(maildir) == ["new/1.M1P1.host"]


def test_a_start_that_is_set_later_leaves_alone_what_came_since_the_last_reading(
    maildir: Path,
) -> None:
    account = MaildirFolder(str(maildir))
    position = write_position(account, str(int((HOUR_AGO - 60) * 1e9)))
    deliver(maildir, "cur/1.M1P1.host:2,S", mail("seen"), at=HOUR_AGO)
    deliver(maildir, "new/2.M1P1.host", mail("unread"), at=HOUR_AGO)
    deliver(maildir, "cur/3.M1P1.host:2,S", mail("since"), at=HOUR_AGO + 120)
    start = datetime.fromtimestamp(HOUR_AGO + 60, UTC)

    assert ingest(replace(account, starts_at=start), position) == [mail("since")]
    assert files(maildir) == ["cur/1.M1P1.host:2,S", "new/2.M1P1.host"]


def test_in_another_folder_seen_mail_is_left_alone(maildir: Path) -> None:
    position = write_position(MaildirFolder("/former"), str(int((HOUR_AGO - 60) * 1e9)))
    deliver(maildir, "cur/1.M1P1.host:2,S", mail("seen"))
    deliver(maildir, "new/2.M1P1.host", mail("unread"))

    assert ingest(MaildirFolder(str(maildir)), position) == [mail("unread")]
    assert files(maildir) == ["cur/1.M1P1.host:2,S"]


def test_what_came_since_a_day_is_counted_and_filled_in_though_it_is_seen(maildir: Path) -> None:
    account = MaildirFolder(str(maildir), delete_after_delivery=False)
    deliver(maildir, "cur/1.M1P1.host:2,S", mail("before"), at=HOUR_AGO - 60)
    deliver(maildir, "cur/2.M1P1.host:2,S", mail("seen"), at=HOUR_AGO + 1)
    deliver(maildir, "new/3.M1P1.host", mail("new"), at=HOUR_AGO + 2)
    since = datetime.fromtimestamp(HOUR_AGO, UTC)

    with open_inbox(account, position="17", since=since) as inbox:
        assert inbox.count_waiting() == 2
        assert contents(read_all(inbox)) == [mail("seen"), mail("new")]
        assert inbox.position is None


def test_new_mail_ends_the_wait(maildir: Path) -> None:
    for folder in ("new", "cur"):
        os.utime(maildir / folder, (HOUR_AGO, HOUR_AGO))
    with open_inbox(MaildirFolder(str(maildir))) as inbox:
        assert read_all(inbox) == []
        assert not inbox.wait(0.1)
        deliver(maildir, "new/1.M1P1.host", mail("a"))
        assert inbox.wait(PATIENCE_SECONDS)
        assert contents(read_all(inbox)) == [mail("a")]


def test_a_folder_that_may_still_be_changing_is_looked_at_again(maildir: Path) -> None:
    """Within a tick of the clock a second delivery leaves no trace in the folder's time."""
    with open_inbox(MaildirFolder(str(maildir))) as inbox:
        assert read_all(inbox) == []
        assert inbox.wait(PATIENCE_SECONDS)


def test_a_folder_that_is_no_maildir_is_said(tmp_path: Path) -> None:
    error = refusal(MaildirFolder(str(tmp_path)))
    assert error.detail == f"No such file or directory: {tmp_path}/new"
    assert "new, cur and tmp" in error.remedy


def test_a_folder_that_may_not_be_opened_is_said(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with open_inbox(MaildirFolder(str(maildir))) as inbox:
        monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(InboxError, match="Permission denied") as caught:
            list(inbox.unread())
    assert "the right to read and write" in caught.value.remedy
