"""The command parse_email: its JSON is a contract. No test here may touch a database."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import ParserPool
from tests.incoming_email.pipeline.isolation.conftest import HOSTILE
from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
MESSAGE = (
    b"From: Ann <Ann@Example.com>\nReply-To: team@example.com\n"
    b"To: Box <incoming+abc@example.com>, other@example.com\nCc: help-acme-shop@example.com\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <1@example.com>\n"
    b"Date: Tue, 2 Jan 2024 10:30:00 +0100\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n"
    b"--b\n\nIt works.\n\n> old\n"
    b"--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n"
)


@pytest.fixture
def message(tmp_path):
    path = tmp_path / "message.eml"
    path.write_bytes(MESSAGE)
    return path


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command("parse_email", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_whole_shape(message):
    assert json.loads(run(message, "--json")) == {
        "file": str(message),
        "message_id": "1@example.com",
        "from": "ann@example.com",
        "from_name": "Ann",
        "reply_to": "team@example.com",
        "subject": "Grüße",
        "date": "2024-01-02T09:30:00+00:00",
        "kind": "personal",
        "candidates": [
            {"header": "To", "address": "incoming+abc@example.com", "key": "abc"},
            {"header": "To", "address": "other@example.com", "key": None},
            {"header": "Cc", "address": "help-acme-shop@example.com", "key": None},
        ],
        "text": "It works.\n\n> old",
        "reply": "It works.",
        "quoted": "> old",
        "forwarded": None,
        "attachments": [
            {"filename": "a.pdf", "content_type": "application/pdf", "size": 4, "inline": False}
        ],
        "defects": [],
    }


def test_the_keys_are_in_this_order(message):
    assert list(json.loads(run(message, "--json"))) == [
        "file", "message_id", "from", "from_name", "reply_to", "subject", "date", "kind",
        "candidates", "text", "reply", "quoted", "forwarded", "attachments", "defects",
    ]  # fmt: skip


def test_what_is_missing_is_null(tmp_path):
    path = tmp_path / "empty.eml"
    path.write_bytes(b"")
    found = json.loads(run(path, "--json"))
    assert [found[name] for name in ("message_id", "from", "reply_to", "date")] == [None] * 4
    assert (found["subject"], found["from_name"], found["text"]) == ("", "", "")
    assert found["defects"] == ["no header fields", "no From"]


def test_keys_by_addresses_come_before_the_detail(message):
    found = json.loads(
        run(
            message,
            "--json",
            "--address=help-%{key}@example.com",
            "--address=incoming+a%{key}@example.com",
        )
    )
    assert [each["key"] for each in found["candidates"]] == ["bc", None, "acme-shop"]


def test_an_impossible_address_is_refused(message):
    with pytest.raises(CommandError, match="The address must have exactly one @") as caught:
        run(message, "--address=incoming")
    assert caught.value.returncode == 64


def test_one_object_a_line_in_order_and_unreadable_files_among_them(message, tmp_path):
    missing = tmp_path / "missing.eml"
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"^2 files could not be read\.$") as caught:
        call_command("parse_email", str(missing), str(message), str(tmp_path), "--json", stdout=out)
    assert caught.value.returncode == 66
    first, second, third = (json.loads(line) for line in out.getvalue().splitlines())
    assert first == {"file": str(missing), "error": "No such file or directory"}
    assert second["file"] == str(message)
    assert third == {"file": str(tmp_path), "error": "Is a directory"}


def test_a_file_that_breaks_the_parser_is_an_object_like_the_others(message, tmp_path, monkeypatch):
    path = tmp_path / "hostile.eml"
    path.write_bytes(b"From: a@example.com\nSubject: Hi\n\ndie")
    pool = ParserPool(HOSTILE)
    monkeypatch.setattr(reading, "_pool", pool)
    hostile, other = map(json.loads, run(path, message, "--json").splitlines())
    pool.close()
    assert (hostile["from"], hostile["subject"], hostile["text"]) == ("a@example.com", "Hi", "")
    assert hostile["defects"] == [reading.UNREAD, "the parser broke down at it twice"]
    assert other["reply"] == "It works."


@pytest.mark.parametrize("content", [b"\0", b"\xff\xfe", b"From: <\n\n", b"\r\r\r", b"a" * 10_000])
@pytest.mark.parametrize("options", [(), ("--json",), ("--plain",), ("--plain", "--json")])
def test_any_bytes_are_shown(tmp_path, content, options):
    path = tmp_path / "bytes"
    path.write_bytes(content)
    assert str(path) in run(path, *options)


def test_a_bare_text_body(tmp_path):
    path = tmp_path / "body.txt"
    path.write_bytes(b"Subject: no header\n\n> old\n")
    found = json.loads(run(path, "--json", "--plain"))
    assert (found["text"], found["subject"]) == ("Subject: no header\n\n> old", "")
    assert (found["reply"], found["quoted"]) == ("Subject: no header", "> old")


def test_a_forward_is_told(tmp_path):
    path = tmp_path / "forward.eml"
    path.write_bytes(
        b"From: bob@example.com\nDate: Tue, 4 Jun 2024 09:00:00 +0200\nSubject: Fwd: Door\n\n"
        b"---------- Forwarded message ---------\nFrom: Ann Doe <Ann@example.com>\n"
        b"Date: Mon, Jun 3, 2024 at 10:00 AM\nSubject: Door\n\nIt broke.\n"
    )
    assert json.loads(run(path, "--json"))["forwarded"] == {
        "address": "ann@example.com",
        "name": "Ann Doe",
        "date": "2024-06-03T08:00:00+00:00",
        "subject": "Door",
    }
    told = "Forwarded: Ann Doe <ann@example.com>, 2024-06-03T08:00:00+00:00, Door"
    assert told in run(path).splitlines()


def test_text_for_eyes(message):
    assert run(message).splitlines() == [
        f"== {message}",
        "Message-ID: 1@example.com",
        "From: Ann <ann@example.com>",
        "Reply-To: team@example.com",
        "Subject: Grüße",
        "Date: 2024-01-02T09:30:00+00:00",
        "Kind: personal",
        "Candidate: To: incoming+abc@example.com (key: abc)",
        "Candidate: To: other@example.com (key: –)",
        "Candidate: Cc: help-acme-shop@example.com (key: –)",
        "Attachment: a.pdf (application/pdf, 4 bytes)",
        "",
        "-- Reply",
        "It works.",
        "",
        "-- Cut off",
        "> old",
    ]


def test_control_characters_do_not_reach_the_terminal(tmp_path):
    path = tmp_path / "escape.eml"
    path.write_bytes(b"From: a@example.com\n\n\x1b[31mred\x9b\n")
    output = run(path)
    assert "\x1b" not in output
    assert "�[31mred" in output


def test_an_unreadable_file_for_eyes(tmp_path):
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"^1 file could not be read\.$"):
        call_command("parse_email", str(tmp_path), stdout=out)
    assert out.getvalue() == f"== {tmp_path}\ncould not be read: Is a directory\n"


def test_a_file_name_that_is_no_utf_8(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.eml"
    Path(os.fsdecode(path)).write_bytes(MESSAGE)
    assert json.loads(run(os.fsdecode(path), "--json"))["file"] == f"{tmp_path}/�.eml"


@pytest.mark.slow
def test_without_a_parser_a_sentence_says_why(tmp_path, without_parser):
    (tmp_path / "a.eml").write_bytes(b"From: a@example.com\n\nHi\n")
    with pytest.raises(CommandError, match=r"^No message can be read: .*No such file") as caught:
        call_command("parse_email", str(tmp_path / "a.eml"))
    assert caught.value.returncode == 71


def test_stdin_and_an_ascii_locale_in_a_process_of_its_own(tmp_path):
    """Without any variable set but what a process needs; DATA_DIR keeps the tree clean."""
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "parse_email", "-", "--json"],
        input=MESSAGE,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        cwd=ROOT,
        env={
            "PATH": os.defpath,
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONIOENCODING": "ascii",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none",
        },
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout.decode("utf-8"))
    assert (found["file"], found["subject"]) == ("-", "Grüße")
