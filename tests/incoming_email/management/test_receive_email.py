"""`receive_email`: shapes and exit codes that people script against."""

import io
import json
import sys

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError

from incoming_email.management.commands import receive_email
from incoming_email.models import InboundEmail
from incoming_email.pipeline import acting, processing, receiving
from incoming_email.pipeline.isolation.process import NoParserError
from issues.models import Note
from tests.incoming_email.factories import MailboxFactory
from tests.incoming_email.mails import make_mail_with_file
from tests.incoming_email.world import make_mail, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def file(world, tmp_path):
    path = tmp_path / "reply.eml"
    path.write_bytes(make_mail(to=world.reply_address(), sender=world.member.email))
    return path


def receive(*words):
    """Exit code and the JSON objects."""
    out, code = io.StringIO(), 0
    try:
        call_command("receive_email", *map(str, words), "--json", stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        code = end.code
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_message_is_stored_and_processed_now(world, file):
    code, (shown,) = receive(file)
    note = Note.objects.get()
    assert code == 0
    assert list(shown) == [
        *("file", "row", "status", "reason", "handler", "outcome", "recipient", "trace")
    ]
    assert shown["file"] == str(file)
    assert shown["row"] == InboundEmail.objects.get().pk
    assert (shown["status"], shown["reason"], shown["handler"]) == ("processed", None, "note")
    assert shown["outcome"] == f"note {note.pk} on issue {world.issue}"


def test_the_same_bytes_again_end_as_a_duplicate(file):
    _, objects = receive(file, file)
    assert [shown["status"] for shown in objects] == ["processed", "duplicate"]
    assert InboundEmail.objects.count() == 2


def test_the_recipient_is_shown_without_its_secret(world, file):
    address = world.reply_address()
    _, (shown,) = receive(file, "--recipient", address)
    key = world.mailbox.template.find_key(address)
    assert shown["recipient"] == f"incoming+{key[:4]}…@letterbox.localhost"
    assert key not in json.dumps(shown)


def counts():
    models = [model for model in apps.get_models() if model._meta.managed]
    return {model._meta.label: model._default_manager.count() for model in models}


def test_a_dry_run_leaves_no_trace(world, file, tmp_path, settings):
    settings.MEDIA_ROOT = media = tmp_path / "media"
    media.mkdir()
    file.write_bytes(make_mail_with_file(to=world.reply_address(), sender=world.member.email))
    before = counts()
    code, (shown,) = receive(file, "--dry-run")
    assert (code, shown["row"], shown["status"]) == (0, None, "processed")
    assert shown["outcome"].startswith("note ")
    assert (counts(), list(media.iterdir())) == (before, [])
    receive(file)
    assert counts() != before, "the counts would show a trace"
    assert [path.name for path in media.rglob("*") if path.is_file()] == ["a.txt"]


def test_a_dry_run_shows_a_duplicate_and_a_refusal(world, file, tmp_path):
    receive(file)
    lost = tmp_path / "lost.eml"
    lost.write_bytes(make_mail(to="x@example.com", sender="stranger@example.org"))
    before = counts()
    _, objects = receive(file, lost, "--dry-run")
    assert [(shown["status"], shown["reason"]) for shown in objects] == [
        ("duplicate", "duplicate"),
        ("rejected", "unknown_address"),
    ]
    assert counts() == before


@pytest.mark.parametrize("content", [b"", b"only text, no header\n"])
def test_what_is_no_message_exits_65_and_is_kept(world, tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    code, (shown,) = receive(path)
    assert (code, shown["status"], shown["reason"]) == (65, "rejected", "not_a_message")
    assert InboundEmail.objects.count() == 1


def test_an_unreadable_file_exits_66_and_the_others_are_taken(world, file, tmp_path):
    code, objects = receive(tmp_path / "missing.eml", file)
    assert (code, len(objects)) == (66, 1)


@pytest.mark.parametrize(
    "fault", [DatabaseError("database is locked"), FileNotFoundError("pyproject.toml")]
)
def test_a_message_that_was_not_stored_exits_75(file, monkeypatch, fault):
    def fail(*_args, **_kwargs):
        raise fault

    monkeypatch.setattr(receiving, "store", fail)
    assert receive(file) == (75, [])


def test_while_a_disk_is_nearly_full_the_mta_keeps_the_message(file, settings, caplog):
    settings.CHECK_DISK_MIN_BYTES = 10**18
    assert receive(file) == (75, [])
    assert "Traceback" not in caplog.text
    assert InboundEmail.objects.count() == 0


def test_without_a_parser_the_mta_tries_again_later(file, monkeypatch):
    def fail(*_args, **_kwargs):
        raise NoParserError("the parser does not start")

    monkeypatch.setattr(receive_email, "parse_all", fail)
    assert receive(file) == (75, [])


def break_down(*_args, **_kwargs):
    raise DatabaseError("the connection is lost")


def test_a_fault_of_ours_before_the_attempt_bounces_nothing(file, monkeypatch):
    def fail(*_args):
        raise ValueError("no such key")

    monkeypatch.setattr(processing, "look_up", fail)
    code, (shown,) = receive(file)
    assert (code, shown["status"]) == (0, "pending")
    assert InboundEmail.objects.get().last_error == "ValueError: no such key"


@pytest.mark.parametrize("json_words", [[], ["--json"]])
@pytest.mark.parametrize("at", ["process_claimed", "refresh_from_db"])
def test_what_is_stored_exits_0_whatever_fails_then(file, monkeypatch, at, json_words):
    owner = processing if at == "process_claimed" else InboundEmail
    monkeypatch.setattr(owner, at, break_down)
    out, err = io.StringIO(), io.StringIO()
    call_command("receive_email", str(file), *json_words, stdout=out, stderr=err)
    row = InboundEmail.objects.get()
    assert "is stored and will be processed later" in err.getvalue()
    assert "the connection is lost" in err.getvalue()
    if json_words:
        shown = json.loads(out.getvalue())
        assert (shown["row"], shown["status"], shown["outcome"]) == (row.pk, "pending", None)
    else:
        assert out.getvalue() == f"{file}: pending (inbound email {row.pk})\n"


def test_what_could_not_be_processed_is_due_again(file, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(processing, "process_claimed", break_down)
        receive(file)
    row = InboundEmail.objects.get()
    assert row.status == "pending"
    assert processing.process(row.pk, clock=lambda: row.next_attempt_at)
    assert Note.objects.count() == 1


def test_the_database_that_fails_while_the_end_is_recorded_exits_0(file, monkeypatch):
    monkeypatch.setattr(acting, "write_ends", break_down)
    monkeypatch.setattr(InboundEmail, "refresh_from_db", break_down)
    code, (shown,) = receive(file)
    assert (code, shown["status"], shown["trace"]) == (0, "pending", [])
    assert Note.objects.count() == 0


def test_without_a_mailbox_the_mta_tries_again_later(world, file):
    world.mailbox.enabled = False
    world.mailbox.save()
    with pytest.raises(CommandError, match="No mailbox is enabled") as error:
        receive(file)
    assert error.value.returncode == 75


def test_an_unknown_mailbox_name_is_answered_with_the_names(file):
    with pytest.raises(CommandError, match="There are: main"):
        receive(file, "--mailbox", "other")


def test_a_message_over_the_limit_is_recorded_with_its_header(file, settings):
    settings.MAX_MESSAGE_BYTES = 20
    code, (shown,) = receive(file)
    assert (code, shown["status"], shown["reason"]) == (0, "rejected", "too_large")
    row = InboundEmail.objects.get()
    assert bytes(row.raw) == file.read_bytes().partition(b"\r\n\r\n")[0]
    assert row.sender.endswith("@example.com")


def test_a_pipe_is_read_from_standard_input(file, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    code, (shown,) = receive("-")
    assert (code, shown["file"], shown["status"]) == (0, "-", "processed")


def test_without_json_a_line_a_file_for_people(world, file):
    out = io.StringIO()
    call_command("receive_email", str(file), stdout=out)
    row = InboundEmail.objects.get()
    assert out.getvalue() == f"{file}: processed: {row.outcome} (inbound email {row.pk})\n"


def test_the_mailbox_whose_address_the_message_bears_takes_it(world, file):
    MailboxFactory(address="other+%{key}@example.com")
    receive(file)
    assert InboundEmail.objects.get().mailbox == world.mailbox
    receive(file, "--recipient", "other+x@example.com")
    assert InboundEmail.objects.latest("pk").mailbox.address == "other+%{key}@example.com"
