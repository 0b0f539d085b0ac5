"""Nobody else on the machine reads what we keep."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.file_modes import keep_private
from tests.journeys.installation import ROOT, Installation

MAIL = """\
From: ada@customer.example
To: {address}
Subject: The door
Message-ID: <door@customer.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x

It squeaks.
--x
Content-Type: application/pdf
Content-Disposition: attachment; filename=door.pdf

%PDF
--x--
"""


@pytest.fixture(autouse=True)
def _umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes_in(folder: Path) -> dict[str, str]:
    """Of all that others may do something with."""
    found = {path: path.lstat() for path in (folder, *folder.rglob("*"))}
    return {
        str(path.relative_to(folder)): stat.filemode(each.st_mode)
        for path, each in found.items()
        if each.st_mode & 0o077 and not stat.S_ISLNK(each.st_mode)
    }


@pytest.mark.slow
def test_all_that_a_new_installation_keeps_is_private(tmp_path):
    new = Installation(tmp_path / "made" / "data")
    new.manage("check")
    assert (new.folder / "secret.env").exists()
    assert modes_in(tmp_path / "made") == {}

    made = Installation(tmp_path / "data")
    made.set_up()
    address = made.manage("seed_demo", "--json").partition('"new_issue": "')[2].partition('"')[0]
    assert address
    mail = tmp_path / "mail.eml"
    mail.write_text(MAIL.format(address=address).replace("\n", "\r\n"))
    made.manage("receive_email", str(mail))
    made.manage("incoming_email_secret", "write", check=False)
    made.ask(
        "from incoming_email import tasks; from issues import tasks as t;"
        "tasks.sweep_inbound_email(); t.sweep_outgoing_email()"
    )
    names = {path.name for path in made.folder.rglob("*")}
    assert {"db.sqlite3", "secret.env", "broker", "door.pdf"} <= names
    assert modes_in(made.folder) == {".": "drwxr-xr-x"}  # which it was given


def test_what_an_earlier_version_made_is_made_private(tmp_path):
    data = tmp_path / "data"
    for name in ("media/uploads", "outgoing", "other"):
        (data / name).mkdir(parents=True)
    (data / "db.sqlite3").touch()
    (tmp_path / "elsewhere").mkdir()
    (data / "repositories").symlink_to(tmp_path / "elsewhere")

    keep_private(data, is_ours=False)

    assert modes_in(data) == {
        ".": "drwxr-xr-x",
        "media/uploads": "drwxr-xr-x",
        "other": "drwxr-xr-x",
    }
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o755
    keep_private(data, is_ours=True)
    assert "." not in modes_in(data)


def test_a_group_that_shares_the_folder_keeps_its_rights(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o2775)
    (data / "media").mkdir(mode=0o775)
    (data / "media").chmod(0o2775)

    keep_private(data, is_ours=True)
    (data / "new").mkdir()

    shown = {name: stat.filemode((data / name).stat().st_mode) for name in ("", "media", "new")}
    assert shown == {"": "drwxrws---", "media": "drwxrws---", "new": "drwxrws---"}


def test_what_belongs_to_another_user_is_left(tmp_path, monkeypatch):
    (tmp_path / "media").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    keep_private(tmp_path, is_ours=True)
    assert set(modes_in(tmp_path)) == {"media"}


@pytest.mark.services
def test_a_mount_is_left(tmp_path):
    """As a volume of compose or of Kubernetes is."""
    script = (
        "mount -t tmpfs -o mode=0755 tmpfs media && "
        f'cd {ROOT} && {sys.executable} -c "from pathlib import Path;'
        "from config.file_modes import keep_private;"
        f"keep_private(Path('{tmp_path}'), is_ours=True)\" && "
        f"stat -c %a {tmp_path} {tmp_path}/media {tmp_path}/outgoing"
    )
    for name in ("media", "outgoing"):
        (tmp_path / name).mkdir()
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr or "mount" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout.split() == ["700", "755", "700"]
