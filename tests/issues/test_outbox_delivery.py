"""Mail sent from rows: at least once, each by one worker."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as LocmemBackend
from django.db import DatabaseError, connection

from issues import outbox, sending
from issues.models import OutgoingEmail, OutgoingState
from issues.outbox import schedule
from issues.sending import EmailBackend as SmtpBackend
from tests.issues.outgoing import NOW, enqueue
from tests.issues.smtp_sink import free_port, running_sink


@pytest.fixture
def sink(settings):
    with running_sink() as sink:
        settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.EMAIL_TIMEOUT = 10
        yield sink


@pytest.mark.django_db
def test_due_mail_goes_over_one_connection(sink):
    for n in range(3):
        enqueue(n=n)
    enqueue(n=9, now=NOW + dt.timedelta(hours=1))

    assert outbox.deliver_due(now=NOW) == 3
    assert outbox.deliver_due(now=NOW) == 0

    assert [recipients for _, recipients in sink.envelopes] == [
        [f"ann{n}@example.com"] for n in range(3)
    ]
    assert sink.connections == 1
    sent = OutgoingEmail.objects.filter(state=OutgoingState.SENT)
    assert sent.count() == 3
    assert {row.attempts for row in sent} == {1}
    assert all(NOW <= row.sent_at < NOW + dt.timedelta(minutes=1) for row in sent)


@pytest.mark.django_db
def test_the_null_reverse_path_and_a_named_one(sink):
    enqueue(n=1)
    enqueue(n=2, envelope_sender="bounce@example.com")

    outbox.deliver_due(now=NOW)

    assert sink.senders == ["<>", "bounce@example.com"]
    assert [message["From"] for message in sink.messages] == [
        "Letterbox <letterbox@letterbox.localhost>"
    ] * 2


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("", ""),
        ("ann@example.com", "ann@example.com"),
        ("Änn <ann@example.com>", "ann@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ('"a<b"@example.com', '"a<b"@example.com'),
    ],
)
def test_an_address_of_the_envelope(address, written):
    assert sending.write_envelope_address(address) == written


def test_a_domain_that_dns_cannot_know():
    with pytest.raises(sending.Unsendable, match="none that DNS knows"):
        sending.write_envelope_address("ann@a..example")


@pytest.mark.django_db
def test_line_ends_are_those_of_smtp(sink):
    enqueue(text="one\n.two\r\nthree\n")
    outbox.deliver_due(now=NOW)
    (content,) = sink.contents
    assert b"\r\n" in content
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.django_db
def test_a_refused_recipient_fails_at_once_and_stops_nobody(sink):
    sink.answers["ann1@example.com"] = "550 5.1.1 No such person"
    for n in (1, 2):
        enqueue(n=n)

    assert outbox.deliver_due(now=NOW) == 1

    failed = OutgoingEmail.objects.get(state=OutgoingState.FAILED)
    assert (failed.recipient, failed.attempts) == ("ann1@example.com", 1)
    assert "5.1.1 No such person" in failed.last_error
    assert sink.connections == 1


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [120, 24])
def test_a_mail_that_is_put_off_is_tried_for_days_at_growing_pauses(sink, settings, hours):
    """RFC 5321 section 4.5.4.1: four or five days, at the least."""
    settings.EMAIL_RETRY_HOURS = hours
    sink.data_answer = "451 4.7.1 Come back later"
    row = enqueue()
    now, pauses = NOW, []

    while row.state == OutgoingState.PENDING:
        assert outbox.deliver_due(now=now) == 0
        row.refresh_from_db()
        pauses.append(round((row.next_attempt_at - now).total_seconds() / 60))
        tried, now = now, max(row.next_attempt_at, now + dt.timedelta(seconds=1))

    assert pauses[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]
    assert set(pauses[10:-1]) <= {360}
    assert dt.timedelta(0) <= tried - NOW - dt.timedelta(hours=hours) < dt.timedelta(hours=6)
    assert (row.state, row.last_error) == (
        OutgoingState.FAILED,
        "DATA: 451 4.7.1 Come back later",
    )


@pytest.mark.django_db
def test_a_row_of_an_earlier_version_goes_on_by_the_new_schedule(sink):
    sink.data_answer = "451 4.7.1 Come back later"
    row = enqueue()
    OutgoingEmail.objects.update(attempts=7, first_attempt_at=None)

    for hours in (0, 100):
        outbox.deliver_due(now=NOW + dt.timedelta(hours=hours))

    row.refresh_from_db()
    assert (row.state, row.attempts) == (OutgoingState.PENDING, 9)


@pytest.mark.django_db
def test_a_recipient_who_is_only_busy_is_tried_again(sink):
    sink.answers["ann1@example.com"] = "450 4.2.1 Mailbox busy"
    row = enqueue()

    outbox.deliver_due(now=NOW)

    row.refresh_from_db()
    assert row.state == OutgoingState.PENDING
    del sink.answers["ann1@example.com"]
    assert outbox.deliver_due(now=row.next_attempt_at) == 1


@pytest.mark.django_db
def test_a_server_that_is_away_costs_no_attempt(settings):
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    for n in (1, 2):
        enqueue(n=n)

    assert outbox.deliver_due(now=NOW) == 0

    for row in OutgoingEmail.objects.all():
        assert (row.state, row.attempts) == (OutgoingState.PENDING, 0)
    failure = outbox.find_failure()
    assert (failure.since - NOW < dt.timedelta(minutes=1), failure.waiting) == (True, 2)
    assert "Connection refused" in failure.message


@pytest.mark.django_db
def test_a_mail_that_cannot_be_written_stops_nobody(sink):
    enqueue(n=1, recipient="ann@a..example")
    enqueue(n=2)
    enqueue(n=3, recipient="")

    assert outbox.deliver_due(now=NOW) == 1

    assert [recipients for _, recipients in sink.envelopes] == [["ann2@example.com"]]
    errors = OutgoingEmail.objects.filter(state=OutgoingState.FAILED).order_by("pk")
    assert list(errors.values_list("last_error", flat=True)) == [
        "Unsendable: The domain of the address ann@a..example is none that DNS knows.",
        "Unsendable: The mail has no recipient.",
    ]


@pytest.mark.django_db
def test_a_claimed_mail_is_its_claimers_until_the_lease_ends(monkeypatch):
    row = enqueue()

    class OneAtATime(LocmemBackend):
        def send_messages(self, messages):
            assert (
                outbox.deliver_due(now=NOW + schedule.find_lease() - dt.timedelta(seconds=5)) == 0
            )
            return super().send_messages(messages)

    monkeypatch.setattr(mail, "get_connection", OneAtATime)

    assert outbox.deliver_due(now=NOW) == 1
    row.refresh_from_db()
    assert (row.state, row.attempts) == (OutgoingState.SENT, 1)


@pytest.mark.django_db
def test_a_mail_that_kills_every_worker_is_given_up():
    row = enqueue()
    first = NOW - dt.timedelta(hours=120)
    OutgoingEmail.objects.update(attempts=28, first_attempt_at=first)

    assert outbox.deliver_due(now=NOW) == 0

    row.refresh_from_db()
    assert (row.state, row.attempts) == (OutgoingState.FAILED, 28)
    assert row.last_error == "The worker died at every attempt."
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_mail_once(sink):
    for n in range(20):
        enqueue(n=n)

    def work(_worker):
        try:
            return outbox.deliver_due(now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(work, range(2)))

    assert sum(sent) == 20
    ids = [message["Message-ID"] for message in sink.messages]
    assert sorted(ids) == sorted(f"<notice-{n}@letterbox.localhost>" for n in range(20))


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL; runs there as well")
@pytest.mark.django_db(transaction=True)
def test_mail_that_is_out_is_not_sent_again_where_the_database_was_cut_meanwhile(sink, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    connection.close()
    for n in range(2):
        enqueue(n=n)
    send = SmtpBackend.send_messages

    def send_while_it_is_cut(backend, messages):
        sent = send(backend, messages)
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return sent

    monkeypatch.setattr(SmtpBackend, "send_messages", send_while_it_is_cut)
    assert outbox.deliver_due(now=NOW) == 2
    assert outbox.deliver_due(now=NOW + dt.timedelta(hours=1)) == 0
    assert len(sink.envelopes) == 2
    connection.close()
