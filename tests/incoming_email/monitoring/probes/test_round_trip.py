"""`check_incoming_email --round-trip`: how long each part took, or which one stopped."""

import json
import re
from functools import partial
from io import StringIO

import pytest
from django.core.management import call_command

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.models import Leg, Mailbox, Probe, ProbeState
from incoming_email.monitoring import health
from incoming_email.monitoring.health import MailboxFinding, round_trips
from incoming_email.monitoring.probes.wording import describe_stop
from issues.models import Issue, Note, OutgoingEmail


@pytest.fixture(autouse=True)
def found(monkeypatch):
    """The rest of the check has tests of its own."""
    lines = [
        MailboxFinding("main", "smtp", "127.0.0.1:2525", Finding("listener", Answer.YES)),
        MailboxFinding("", "", "", Finding("worker", Answer.YES)),
    ]
    monkeypatch.setattr(health, "diagnose", lambda **_: lines)
    return lines


def run(*words: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_incoming_email", "--round-trip", *words, stdout=out)
    except SystemExit as exit_:
        return exit_.code, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def goes_round(loop, monkeypatch):
    """What worker and mail server do while the command waits."""
    steps = iter([loop.deliver, loop.bring_back])
    wait = partial(round_trips.await_end, pause=lambda _seconds: next(steps)())
    monkeypatch.setattr(round_trips, "await_end", wait)


def test_it_says_how_long_each_part_took(loop, goes_round):
    issues, notes = Issue.objects.count(), Note.objects.count()
    status, output = run("-v", "2")
    assert status == 0
    lines = output.splitlines()
    assert lines[:3] == ["main (smtp, 127.0.0.1:2525)", "  listener … yes", "  round trip … yes"]
    number = r"\d+\.\d s"
    assert re.fullmatch(
        rf"      it was back after {number}: {number} until it was sent, {number} more until it was"
        rf" received, {number} more until it was processed",
        lines[3],
    )
    assert lines[4] == "Installation"
    assert (Issue.objects.count(), Note.objects.count()) == (issues, notes)
    probe = Probe.objects.get()
    assert (probe.state, probe.is_scheduled) == (ProbeState.DONE, False)


def test_what_did_not_arrive_may_be_a_matter_of_sub_addresses():
    mailbox = Mailbox(inbox_method="imap")
    _detail, remedy = describe_stop(mailbox, 7, Leg.DELIVERY, "")
    assert remedy.startswith("Look for “probe-7-” in its log")
    assert "without %{key} only replies are taken" in remedy
    assert "take incoming-%{key}@ with a catch-all mailbox" in remedy


def test_json(loop, goes_round):
    status, output = run("--json")
    lines = json.loads(output)["findings"]
    assert status == 0
    assert [(each["mailbox"], each["step"], each["answer"]) for each in lines] == [
        ("main", "listener", "yes"),
        ("main", "round trip", "yes"),
        ("", "worker", "yes"),
    ]
    assert lines[1]["server"] == "127.0.0.1:2525"


@pytest.mark.parametrize(
    ("steps", "words", "remedy"),
    [
        (0, "the mail is still waiting to be sent", "Start worker and beat"),
        (
            1,
            "did not deliver it to the SMTP listener",
            "Look for “probe-{pk}-” in its log and queue",
        ),
    ],
    ids=["not sent", "not handed over"],
)
def test_it_says_which_part_stopped(loop, steps, words, remedy, monkeypatch):
    def start(mailboxes, *, now):
        trips = real(mailboxes, now=now)
        if steps:
            loop.deliver()
        return trips

    real = round_trips.start
    monkeypatch.setattr(round_trips, "start", start)
    status, output = run("--wait", "0")
    assert status == 1
    assert (
        f"      not back after 0 seconds: {'the mail server accepted the mail, but ' * steps}"
        in output
    )
    assert words in output
    assert remedy.format(pk=Probe.objects.get().pk) in output


def test_where_mail_is_kept_it_is_skipped_with_a_sentence(loop, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    status, output = run("-v", "2")
    assert status == 0
    assert "  round trip … skipped\n      EMAIL_URL names no mail server" in output
    assert OutgoingEmail.objects.count() == Probe.objects.count() == 0


def test_of_one_mailbox_alone(loop):
    Mailbox.objects.create(name="second", enabled=True, address="b+%{key}@letterbox.localhost")
    run("--mailbox", "main", "--wait", "0")
    assert [probe.mailbox.name for probe in Probe.objects.all()] == ["main"]
