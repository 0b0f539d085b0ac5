"""A probe goes round and leaves nothing behind but its history; imitations are mail like any."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incoming_email.keys import probe_keys
from incoming_email.models import InboundEmail, Leg, Mailbox, Probe, ProbeState
from incoming_email.monitoring import probes
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import processing
from incoming_email.smtp import listener as smtp
from issues.models import Issue, Note, OutgoingEmail
from tests.incoming_email.world import make_mail

MINUTE = timedelta(minutes=1)


def test_it_comes_round_and_leaves_nothing_behind(loop):
    issues, notes = Issue.objects.count(), Note.objects.count()
    probe = probes.send(loop.mailbox, now=timezone.now())
    assert loop.deliver() == 1
    row = loop.bring_back()
    assert (row.status, row.reason, row.handler) == (Status.IGNORED, Reason.PROBE, "")
    assert row.trace == [{"step": "probe", "result": str(probe.pk)}]
    assert (Issue.objects.count(), Note.objects.count()) == (issues, notes)
    assert [mail.kind for mail in OutgoingEmail.objects.all()] == ["probe"]

    assert probes.follow_open(now=timezone.now()) == 1
    probe.refresh_from_db()
    assert probe.state == ProbeState.DONE
    assert (probe.received_at, probe.processed_at) == (row.received_at, row.finished_at)
    assert probe.created_at < probe.sent_at
    assert probe.inbound == row
    assert probe.stopped_in == ""


def test_the_mail_says_that_nobody_is_to_answer_it(loop):
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    (mail,) = loop.sink.messages
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["To"].startswith("incoming+probe-")


def test_a_second_copy_is_no_duplicate_and_the_first_one_counts(loop):
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    first, second = loop.bring_back(), loop.bring_back()
    assert (second.reason, second.duplicate_of) == (Reason.PROBE, None)
    probes.follow_open(now=timezone.now())
    assert Probe.objects.get().inbound == first


def test_it_is_known_though_a_gateway_changes_its_id_and_drops_our_fields(loop):
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    mail = loop.sink.messages[-1]
    del mail["X-Letterbox-Origin"], mail["Auto-Submitted"]
    mail.replace_header("Message-ID", "<0102-1@ses.example>")
    assert loop.bring_back().reason == Reason.PROBE


def test_an_address_without_a_key_will_do(loop):
    Mailbox.objects.update(address="replies@letterbox.localhost")
    loop.world.mailbox.refresh_from_db()
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    assert loop.sink.envelopes[0][1] == ["replies@letterbox.localhost"]
    assert loop.bring_back().reason == Reason.PROBE


@pytest.mark.parametrize("known", [True, False], ids=["a member", "a stranger"])
def test_an_outsider_who_imitates_a_probe_is_treated_as_ever(loop, known):
    """The same end as any mail to an address that leads nowhere, told to whom it is told."""
    sender = loop.world.member.email if known else "mallory@example.org"
    ends = []
    for key in ("probe-1-" + "a" * 25, "nothing-at-all"):
        to = loop.mailbox.template.address_for(key)
        row = loop.receive(make_mail(to=to, sender=sender, X_Letterbox_Origin="guessed"))
        processing.process(row.pk)
        row.refresh_from_db()
        ends.append((row.status, row.reason))
    assert ends == [(Status.REJECTED, Reason.UNKNOWN_ADDRESS)] * 2


def test_the_listener_accepts_probes_of_ours_and_no_imitation(loop):
    template = loop.mailbox.template
    assert smtp.find_mailbox(template.address_for(probe_keys.make_key(5))) == loop.mailbox
    assert smtp.find_mailbox(template.address_for("probe-5-" + "a" * 25)) is None


@pytest.mark.parametrize("obstacle", ["mail is kept", "mailbox is off"])
def test_where_none_can_come_round_a_sentence_says_why(loop, settings, obstacle):
    if obstacle == "mail is kept":
        settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    else:
        Mailbox.objects.update(enabled=False)
    assert {"mail is kept": "EMAIL_URL", "mailbox is off": "switched off"}[
        obstacle
    ] in probes.find_obstacle(loop.mailbox)


# Where it stops


def stop() -> tuple[str, str]:
    course = probes.follow(Probe.objects.get())
    return course.stopped_in, course.fault


def test_it_stops_before_it_is_sent(loop, settings):
    probes.send(loop.mailbox, now=timezone.now())
    assert stop() == (Leg.SENDING, "")
    loop.sink.data_answer = "554 5.7.1 No probes, please"
    loop.deliver()
    leg, fault = stop()
    assert leg == Leg.SENDING
    assert "No probes, please" in fault


def test_it_stops_between_the_mail_server_and_the_listener(loop):
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    assert stop() == (Leg.DELIVERY, "")


@pytest.mark.parametrize(
    ("read_after", "leg", "fault"),
    [(None, Leg.READING, "no route"), (-1, Leg.READING, "no route"), (1, Leg.DELIVERY, "")],
    ids=["never read", "read before", "read after"],
)
def test_it_stops_between_the_mail_server_and_us(loop, read_after, leg, fault):
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    sent_at = OutgoingEmail.objects.get().sent_at
    read_at = sent_at + read_after * MINUTE if read_after else None
    Mailbox.objects.update(inbox_method="imap", last_success_at=read_at, last_error="no route")
    assert stop() == (leg, fault)


def test_it_stops_before_it_is_processed(loop, monkeypatch):
    probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    row = loop.receive(loop.content(), loop.sink.envelopes[0][1][0])
    InboundEmail.objects.update(last_error="OSError: no room")
    assert stop() == (Leg.PROCESSING, "OSError: no room")
    assert probes.follow(Probe.objects.get()).received_at == row.received_at


def test_a_large_message_that_waits_is_not_looked_into(loop):
    probe = probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    loop.receive(probe_keys.make_key(probe.pk).encode() + b"\r\n" * 50_000)
    assert stop() == (Leg.DELIVERY, "")


def test_a_clock_that_is_behind_makes_no_time_below_0(loop):
    probe = probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    row = loop.bring_back()
    # As if the machine that wrote it were a minute ahead of the one that took it in.
    Probe.objects.update(created_at=row.finished_at + MINUTE)
    probes.follow_open(now=timezone.now())
    probe.refresh_from_db()
    assert (probe.state, probe.took) == (ProbeState.DONE, timedelta(0))


# What the clock makes of it


@pytest.fixture
def limits(settings):
    settings.PROBE_SLOW_SECONDS = 300
    settings.PROBE_WAIT_MINUTES = 60


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(4, "waiting"), (6, "late"), (59, "late"), (61, "lost")],
)
def test_one_that_does_not_come_back(loop, limits, minutes, state):
    written = timezone.now()
    probe = probes.send(loop.mailbox, now=written)
    probes.follow_open(now=written + minutes * MINUTE)
    probe.refresh_from_db()
    assert (probe.state, probe.stopped_in) == (state, Leg.SENDING)


@pytest.mark.parametrize(("minutes", "state"), [(4, "done"), (6, "slow")])
def test_one_that_comes_back(loop, limits, minutes, state):
    probe = probes.send(loop.mailbox, now=timezone.now())
    loop.deliver()
    row = loop.bring_back()
    # As if it had been written so long before.
    Probe.objects.update(created_at=row.finished_at - minutes * MINUTE)
    probes.follow_open(now=row.finished_at)
    probe.refresh_from_db()
    assert probe.state == state
    assert probe.took == minutes * MINUTE


def test_a_lost_one_is_followed_no_more(loop, limits):
    written = timezone.now()
    probes.send(loop.mailbox, now=written)
    probes.follow_open(now=written + 61 * MINUTE)
    loop.deliver()
    loop.bring_back()
    assert probes.follow_open(now=written + 62 * MINUTE) == 0
    assert Probe.objects.get().state == ProbeState.LOST


def test_history_ends_by_days_and_the_mails_stay(loop, settings):
    settings.KEEP_PROBES_DAYS = 30
    now = timezone.now()
    for days in (29, 31):
        probes.send(loop.mailbox, now=now - timedelta(days=days))
    assert probes.purge_old(now=now) == 1
    assert OutgoingEmail.objects.count() == 2
    settings.KEEP_PROBES_DAYS = 0
    assert probes.purge_old(now=now + timedelta(days=999)) == 0
