"""`incoming_email_secret`: edit, show and write, and that no plain text stays behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from incoming_email.models import Purpose
from incoming_email.secrets import plain_copies, secret_files
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.secret_commands import run
from tests.journeys.installation import Installation
from tests.waiting import PATIENCE_SECONDS, wait_until

COMMAND = "incoming_email_secret"
SECRET = "s3cret-of-no-value"


@pytest.fixture(autouse=True)
def place(settings, tmp_path, monkeypatch):
    """Where plain copies may lie while an editor is open."""
    settings.SECRETS_DIR = tmp_path / "secrets"
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(plain_copies, "MEMORY", memory)
    return memory


@pytest.fixture
def mailbox(db):
    return MailboxFactory(name="support")


def editor_that(tmp_path, monkeypatch, does):
    """A program that gets the file's path as its first argument."""
    program = tmp_path / "editor"
    program.write_text(
        f"#!{sys.executable}\nimport os, pathlib, sys, time\n"
        f"file = pathlib.Path(sys.argv[1])\n{does}\n"
    )
    program.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(program))
    return program


def test_edit_keeps_what_the_person_wrote_and_nothing_in_plain_text(
    mailbox, tmp_path, place, monkeypatch
):
    editor_that(
        tmp_path,
        monkeypatch,
        "seen = (oct(file.stat().st_mode & 0o777), oct(file.parent.stat().st_mode & 0o777))\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(' '.join(seen) + file.read_text())\n"
        f"pathlib.Path(str(file) + '~').write_text({SECRET!r})\n"
        f"file.write_text('password: ' + {SECRET!r})",
    )
    status, output, _ = run(COMMAND, "edit")
    assert (status, SECRET in output) == (0, False)
    assert "“support” use it within 30 seconds" in output
    assert secret_files.find_secrets(mailbox.pk).password == SECRET
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith("0o600 0o700# user:")
    assert list(place.iterdir()) == []


def test_edit_shows_what_is_kept_and_says_unchanged(mailbox, tmp_path, place, monkeypatch):
    path = secret_files.write_text(mailbox.pk, "password: first\n")
    before = path.read_bytes()
    editor_that(tmp_path, monkeypatch, "assert file.read_text() == 'password: first\\n'")
    assert run(COMMAND, "edit") == (0, "unchanged\n", "")
    assert path.read_bytes() == before


def test_a_new_file_left_as_it_was_offered_is_not_made(mailbox, tmp_path, monkeypatch):
    editor_that(tmp_path, monkeypatch, "")
    assert run(COMMAND, "edit") == (0, "unchanged\n", "")
    assert secret_files.read_text(mailbox.pk) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"password: '{SECRET}", "Line 1 is not valid YAML. Put user and password in quotes."),
        (f"secret: {SECRET}", "It may have the keys user and password only, not: secret."),
        ("", "It is empty. Write lines such as: password: 'secret'."),
    ],
)
def test_edit_refuses_what_is_not_valid_and_overwrites_nothing(
    mailbox, tmp_path, place, monkeypatch, text, reason
):
    secret_files.write_text(mailbox.pk, "password: first")
    editor_that(tmp_path, monkeypatch, f"file.write_text({text!r})")
    assert run(COMMAND, "edit") == (65, "", f"Nothing was saved. {reason}")
    assert secret_files.find_secrets(mailbox.pk).password == "first"
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("editor", ["", "  "])
def test_edit_without_an_editor_says_which_variable(mailbox, monkeypatch, editor):
    monkeypatch.setenv("EDITOR", editor)
    status, _, error = run(COMMAND, "edit")
    assert status == 64
    assert error.startswith(
        "EDITOR is not set to a program. For example: EDITOR=nano python manage.py"
    )


def test_editor_that_fails_saves_nothing(mailbox, tmp_path, place, monkeypatch):
    program = editor_that(tmp_path, monkeypatch, "file.write_text('password: second'); sys.exit(3)")
    assert run(COMMAND, "edit") == (
        1,
        "",
        f"Nothing was saved, since the editor failed ({program}: 3).",
    )
    monkeypatch.setenv("EDITOR", str(tmp_path / "missing"))
    assert "No such file or directory" in run(COMMAND, "edit")[2]
    assert secret_files.read_text(mailbox.pk) is None
    assert list(place.iterdir()) == []


def test_edit_of_a_file_that_no_key_fits_opens_no_editor(mailbox, settings, monkeypatch):
    secret_files.write_text(mailbox.pk, "password: first")
    settings.ENCRYPTION_KEYS = ["another"]
    monkeypatch.setenv("EDITOR", "/bin/false")
    status, _, error = run(COMMAND, "edit")
    assert status == 1
    assert (
        "no key of ENCRYPTION_KEYS can decrypt the encrypted file. Add the old key again" in error
    )


def test_write_takes_standard_input_and_show_gives_it_back(mailbox, monkeypatch):
    status, output, _ = run(COMMAND, "write", stdin="password: 'x'\n", monkeypatch=monkeypatch)
    assert (status, str(secret_files.path_of(mailbox.pk)) in output) == (0, True)
    assert run(COMMAND, "show") == (0, "password: 'x'\n", "")


def test_write_refuses_what_is_not_valid(mailbox, monkeypatch):
    assert run(COMMAND, "write", stdin="nothing", monkeypatch=monkeypatch)[0] == 65
    assert secret_files.read_text(mailbox.pk) is None


def test_show_of_no_file_names_the_command_that_makes_it(mailbox):
    status, _, error = run(COMMAND, "show")
    assert status == 1
    assert error.endswith("Make it: python manage.py incoming_email_secret edit")


def test_mailbox_is_the_only_one_of_its_purpose_or_named(mailbox, monkeypatch):
    desk = MailboxFactory(name="desk", purpose=Purpose.SERVICE_DESK_EMAIL)
    for words, row in (
        ((), mailbox),
        (("--service-desk",), desk),
        (("--mailbox", "desk"), desk),
    ):
        text = f"password: p{row.pk}"
        assert run(COMMAND, "write", *words, stdin=text, monkeypatch=monkeypatch)[0] == 0
        assert secret_files.find_secrets(row.pk).password == f"p{row.pk}"
    MailboxFactory(name="second")
    assert run(COMMAND, "show")[::2] == (
        64,
        "Choose one mailbox of purpose incoming_email with --mailbox. There are: second, support.",
    )
    assert run(COMMAND, "show", "--mailbox", "x")[2].startswith("There is no mailbox “x”.")


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    made = Installation(tmp_path_factory.mktemp("installation") / "data")
    made.set_up()
    return made


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_editor_and_removes_the_plain_text(installation, tmp_path, number):
    """The real command in a process of its own, with an editor that never ends."""
    name = installation.query("SELECT id FROM incoming_email_mailbox")
    program = tmp_path / "editor"
    opened = tmp_path / "opened"
    program.write_text(
        f"#!{sys.executable}\nimport pathlib, sys, time\n"
        f"pathlib.Path({str(opened)!r}).write_text(sys.argv[1])\ntime.sleep(600)\n"
    )
    program.chmod(0o700)
    installation.environment["EDITOR"] = str(program)
    process = installation.start("manage.py", COMMAND, "edit")
    # It is made first and written then.
    wait_until(lambda: opened.exists() and opened.read_text())
    file = Path(opened.read_text())
    assert file.exists()
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 128 + number
    assert not file.parent.exists()
    assert not (installation.folder / "secrets" / f"mailbox-{name}.yaml.enc").exists()


def test_what_a_killed_command_left_is_removed_by_the_next(mailbox, tmp_path, place, monkeypatch):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    left = place / f"{plain_copies.PREFIX}{gone.stdout.strip()}-abc"
    left.mkdir()
    (left / "secret.yaml").write_text(SECRET)
    open_one = place / f"{plain_copies.PREFIX}{os.getpid()}-abc"
    open_one.mkdir()
    editor_that(tmp_path, monkeypatch, "")
    run(COMMAND, "edit")
    assert list(place.iterdir()) == [open_one]


def test_ctrl_c_belongs_to_the_editor(mailbox, tmp_path, place, monkeypatch):
    editor_that(
        tmp_path,
        monkeypatch,
        "import signal\nassert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "os.kill(os.getppid(), signal.SIGINT); time.sleep(0.2)\nfile.write_text('password: x')",
    )
    assert run(COMMAND, "edit")[0] == 0
    assert secret_files.find_secrets(mailbox.pk).password == "x"


def test_without_memory_the_copy_lies_beside_the_file(mailbox, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(plain_copies, "MEMORY", tmp_path / "missing")
    editor_that(
        tmp_path,
        monkeypatch,
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(str(file.parent.parent))",
    )
    run(COMMAND, "edit")
    assert (tmp_path / "seen").read_text() == str(settings.SECRETS_DIR)
    assert list(settings.SECRETS_DIR.iterdir()) == []
