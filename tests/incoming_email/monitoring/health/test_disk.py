"""Room on the disks that we write to, against thresholds that the real disk misses or meets."""

import errno
import threading
from pathlib import Path

import pytest

from incoming_email import free_space
from incoming_email.free_space import FreeSpace
from incoming_email.inboxes.base import Answer, Finding
from incoming_email.monitoring.health import disk
from tests.servers.disks import small_disk

YES, NO, WARN = Answer.YES, Answer.NO, Answer.WARN
MOST = 10**18
"""More bytes than any disk of ours has."""


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.DATA_DIR = settings.MEDIA_ROOT = settings.REPOSITORIES_ROOT = tmp_path
    settings.CHECK_DISK_MIN_BYTES = settings.CHECK_DISK_WARN_BYTES = 0
    return tmp_path


def find() -> Finding:
    (finding,) = disk.find_disk_space()
    return finding


def test_disk_with_room(folders):
    finding = find()
    assert (finding.answer, finding.remedy) == (YES, "")
    assert f"MB are free on the disk of {folders}" in finding.detail


@pytest.mark.parametrize(
    ("setting", "answer"), [("CHECK_DISK_WARN_BYTES", WARN), ("CHECK_DISK_MIN_BYTES", NO)]
)
def test_disk_that_is_nearly_full(folders, settings, setting, answer):
    settings.CHECK_DISK_WARN_BYTES = MOST
    setattr(settings, setting, MOST)
    finding = find()
    assert finding.answer is answer
    assert f" MB are free on the disk of {folders}" in finding.detail
    assert finding.remedy.startswith("Free space there, or keep mail for fewer days")
    assert finding.remedy.endswith("Until then no mail is taken in.") is (answer is NO)


def test_disk_that_can_hold_no_more_files(monkeypatch, folders):
    monkeypatch.setattr(free_space, "measure", lambda folder: (1, FreeSpace(folder, 10**12, 12)))
    assert find().answer is NO
    assert find().detail == f"the disk of {folders} can hold only 12 more files"


def test_disk_that_does_not_say_what_is_free_is_not_full(folders, settings):
    settings.CHECK_DISK_MIN_BYTES = settings.CHECK_DISK_WARN_BYTES = 1
    with small_disk(folders / "disk", "1m", kind="ramfs") as settings.MEDIA_ROOT:
        assert free_space.find_shortage() == ""
        assert find().answer is YES
        _device, space = free_space.measure(settings.MEDIA_ROOT)
        assert space.describe(1) == f"the disk of {folders}/disk does not say how much is free"


def test_folder_that_is_not_made_yet_counts_by_the_disk_it_will_be_on(folders):
    assert free_space.measure(folders / "not" / "yet")[0] == free_space.measure(folders)[0]


@pytest.mark.parametrize("name", ["DATA_DIR", "MEDIA_ROOT", "REPOSITORIES_ROOT", "broker"])
def test_each_folder_is_looked_at(settings, monkeypatch, folders, name):
    """One of them on a disk of its own, which is full."""
    other = folders / "other"
    if name == "broker":
        settings.CELERY_BROKER_URL = "filesystem://"
        settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(other)}
    else:
        setattr(settings, name, other)

    def measure(folder: Path) -> tuple[int, FreeSpace]:
        return (
            (2, FreeSpace(folder, 5_000_000, 10**6))
            if folder == other
            else (1, FreeSpace(folder, MOST))
        )

    monkeypatch.setattr(free_space, "measure", measure)
    settings.CHECK_DISK_MIN_BYTES = 10_000_000
    assert (find().answer, find().detail) == (
        NO,
        f"5 MB are free on the disk of {other}, and 10 MB are needed",
    )


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_disk_that_cannot_be_looked_at_hides_no_other_one(
    settings, monkeypatch, folders, is_silent
):
    """As a network drive whose server has lost the folder, or is away."""
    settings.MEDIA_ROOT = folders / "other"
    settings.CHECK_DISK_MIN_BYTES = 10_000_000
    answered = threading.Event()

    def measure(folder: Path) -> tuple[int, FreeSpace]:
        if folder == settings.MEDIA_ROOT:
            if is_silent:
                answered.wait(60)
            raise OSError(errno.ESTALE, "Stale file handle")
        return 1, FreeSpace(folder, 5_000_000)

    monkeypatch.setattr(free_space, "measure", measure)
    monkeypatch.setattr(free_space, "SECONDS", 0.5)
    for _ in range(2):
        assert free_space.find_shortage() == (
            f"5 MB are free on the disk of {folders}, and 10 MB are needed"
        )
    answered.set()
