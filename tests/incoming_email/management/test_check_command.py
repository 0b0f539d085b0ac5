"""`check_incoming_email`: what it prints, what scripts read, and how it exits."""

import json
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from incoming_email.inboxes.base import Answer, Finding, InboxError
from incoming_email.management.commands import check_incoming_email
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.monitoring import health
from incoming_email.monitoring.health import MailboxFinding
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching
from tests.incoming_email.factories import RAW, InboundEmailFactory, MailboxFactory
from tests.servers.dovecot import password_of

YES, NO, WARN, SKIPPED = Answer.YES, Answer.NO, Answer.WARN, Answer.SKIPPED
LOGIN = Finding("login", NO, "Authentication failed.\x1b[2J", "Check user and password.")


def line(step: str, answer: Answer, *words: str, mailbox: str = "support") -> MailboxFinding:
    method, server = ("imap", "imap.example.com:993") if mailbox else ("", "")
    return MailboxFinding(mailbox, method, server, Finding(step, answer, *words))


@pytest.fixture
def found(monkeypatch):
    """What the check is going to find; each call is noted."""
    findings: list[MailboxFinding] = []

    def diagnose(*, now, only, other_mailbox) -> Sequence[MailboxFinding]:
        return findings

    monkeypatch.setattr(health, "diagnose", diagnose)
    return findings


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, output, error output."""
    out, err = StringIO(), StringIO()
    try:
        call_command("check_incoming_email", *arguments, stdout=out, stderr=err)
    except SystemExit as exit_:
        return exit_.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_lines_by_mailbox_with_cause_and_remedy(found):
    found += [
        line("configuration", YES, "incoming+%{key}@example.com"),
        line("tls", WARN, "the password and all mail travel in clear", "Switch on ssl."),
        MailboxFinding("support", "imap", "imap.example.com:993", LOGIN),
        line("folder", SKIPPED, "an earlier step failed"),
        MailboxFinding("", "", "mq.example.com:5672", Finding("broker", WARN, "slow", "Wait.")),
    ]
    assert run() == (
        1,
        "support (imap, imap.example.com:993)\n"
        "  configuration … yes\n"
        "  tls … warn\n"
        "      the password and all mail travel in clear\n"
        "      Switch on ssl.\n"
        "  login … no\n"
        "      Authentication failed.\N{REPLACEMENT CHARACTER}[2J\n"
        "      Check user and password.\n"
        "  folder … skipped\n"
        "Installation\n"
        "  broker … warn\n"
        "      mq.example.com:5672\n"
        "      slow\n"
        "      Wait.\n"
        "1 check failed. Follow the advice above and run this command again.\n",
        "",
    )


def test_more_words_at_a_higher_verbosity(found):
    found += [line("folder", YES, "7 messages in inbox")]
    assert "      7 messages in inbox\n" in run("--verbosity", "2")[1]
    assert "7 messages" not in run()[1]


def test_only_a_no_makes_the_exit_status_1(found):
    found += [line("tls", WARN), line("folder", SKIPPED), line("login", YES)]
    status, output, _ = run()
    assert status == 0
    assert output.endswith("Incoming email is set up; 1 check warns.\n")


def test_sound_installation(found):
    found += [line("login", YES), line("tls", SKIPPED)]
    status, output, _ = run()
    assert (status, output.splitlines()[-1]) == (0, "Incoming email is set up correctly.")


def test_json(found):
    found += [line("login", NO, "“refused”", "Check user.")]
    status, output, errors = run("--json")
    assert (status, errors, output.count("\n")) == (1, "", 1)
    assert json.loads(output) == {
        "ok": False,
        "findings": [
            {
                "mailbox": "support",
                "inbox_method": "imap",
                "server": "imap.example.com:993",
                "step": "login",
                "answer": "no",
                "detail": "“refused”",
                "remedy": "Check user.",
            }
        ],
    }


def test_json_of_a_sound_installation(found):
    found += [line("worker", YES, mailbox="")]
    status, output, _ = run("--json")
    assert (status, json.loads(output)["ok"]) == (0, True)


def test_mailbox_that_does_not_exist(db):
    MailboxFactory(name="support")
    with pytest.raises(CommandError) as caught:
        call_command("check_incoming_email", "--mailbox", "suport")
    assert str(caught.value) == "There is no mailbox “suport”. There are: support."
    assert caught.value.returncode == 64


def test_database_without_tables_ends_in_a_finding(found, monkeypatch):
    def fail(_name: str) -> None:
        raise OperationalError("no such table: incoming_email_mailbox")

    monkeypatch.setattr(check_incoming_email, "_require_mailbox", fail)
    found += [line("database", NO, mailbox="")]
    status, output, errors = run("--mailbox", "support")
    assert (status, "database … no" in output) == (1, True)
    assert errors == "The database can't be used: no such table: incoming_email_mailbox\n"


def test_real_check_without_secrets(db, settings):
    """Everything at once: nothing is set up, and no secret shows."""
    MailboxFactory(name="support", host="127.0.0.1", port=1, password="imap-secret")
    status, output, errors = run("--json")
    steps = {each["step"]: each["answer"] for each in json.loads(output)["findings"]}
    assert status == 1
    assert (steps["tcp"], steps["login"], steps["worker"], steps["broker"]) == (
        *("no", "skipped"),
        *("no", "yes"),
    )
    assert "imap-secret" not in output + errors
    assert settings.SECRET_KEY not in output + errors


@pytest.mark.services
def test_fetch_takes_in_and_processes_what_waits(transactional_db, dovecot, imap_user, found):
    mailbox = MailboxFactory(
        name="support",
        host="localhost",
        port=dovecot.port,
        user=imap_user,
        password=password_of(imap_user),
        delete_after_delivery=False,
    )
    waiting = InboundEmailFactory(mailbox=mailbox, raw=RAW.replace(b"door-1", b"door-2"))
    dovecot.deliver(imap_user, RAW)
    status, output, errors = run("--fetch")
    assert (status, errors) == (0, "")
    assert output.startswith("support: 1 new message\n1 waiting row processed\n")
    assert InboundEmail.objects.exclude(pk=waiting.pk).get().status == Status.REJECTED
    waiting.refresh_from_db()
    assert waiting.status == Status.REJECTED
    assert run("--fetch", "--json")[2] == "support: 0 new messages\n0 waiting rows processed\n"


def test_fetch_of_one_mailbox_leaves_the_others(transactional_db, found, monkeypatch):
    asked: list[str] = []

    def fetch(mailbox: Mailbox, **_: object) -> None:
        asked.append(mailbox.name)

    monkeypatch.setattr(fetching, "fetch", fetch)
    first, second = MailboxFactory(name="first"), MailboxFactory(name="second")
    mine, others = InboundEmailFactory(mailbox=first), InboundEmailFactory(mailbox=second)
    output = run("--fetch", "--mailbox", "first")[1]
    assert asked == ["first"]
    assert "first: another process is reading it now, so nothing was done\n" in output
    mine.refresh_from_db()
    others.refresh_from_db()
    assert (mine.attempts, others.attempts) == (1, 0)


def test_fetch_goes_on_after_a_mailbox_that_fails(transactional_db, found, monkeypatch):
    def fetch(mailbox: Mailbox, **_: object) -> int:
        if mailbox.name == "first":
            raise InboxError("the server said no")
        return 2

    monkeypatch.setattr(fetching, "fetch", fetch)
    MailboxFactory(name="first")
    MailboxFactory(name="second")
    assert run("--fetch")[1].splitlines()[:2] == [
        "first: could not be read: the server said no",
        "second: 2 new messages",
    ]


def test_fetch_leaves_rows_that_are_not_due(transactional_db, found):
    later = timezone.now() + timedelta(minutes=5)
    row = InboundEmailFactory(next_attempt_at=later, mailbox__enabled=False)
    assert "0 waiting rows processed\n" in run("--fetch")[1]
    row.refresh_from_db()
    assert row.attempts == 0
