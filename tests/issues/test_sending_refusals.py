"""What a refusal means: of one mail, or of all mail by an account."""

import datetime as dt

import pytest

from issues import outbox
from issues.models import OutgoingAccount, OutgoingEmail, OutgoingState
from issues.sending import Scope, judge
from issues.sending.client import Refused, Stage
from tests.issues.outgoing import NOW, enqueue
from tests.issues.sending_steps import smtp_in_use

PENDING, SENT, FAILED = OutgoingState.PENDING, OutgoingState.SENT, OutgoingState.FAILED
MINUTE = dt.timedelta(minutes=1)
RELAY = b"554 5.7.1 <someone@example.com>: Relay access denied"


@pytest.mark.parametrize(
    ("stage", "answer", "scope", "is_permanent"),
    [
        (Stage.RCPT, "550 5.1.1 <ann@example.com>: User unknown", Scope.MESSAGE, True),
        (Stage.RCPT, "550 5.2.1 Mailbox disabled", Scope.MESSAGE, True),
        (Stage.RCPT, "552 5.2.2 Mailbox full", Scope.MESSAGE, False),
        (Stage.RCPT, "552 Mailbox full", Scope.MESSAGE, False),
        (Stage.RCPT, "450 4.2.0 Greylisted", Scope.MESSAGE, False),
        (Stage.RCPT, "554 5.7.1 <ann@example.com>: Relay access denied", "likely", False),
        (Stage.RCPT, "550 5.7.54 SMTP; Unable to relay recipient", "likely", False),
        (Stage.RCPT, "550 relay not permitted", "likely", False),
        (Stage.RCPT, "554 5.7.1 Client host [192.0.2.1] blocked", Scope.SUSPECT, True),
        (Stage.RCPT, "550 Administrative prohibition", Scope.SUSPECT, True),
        (Stage.MAIL, "530 5.7.0 Must issue a STARTTLS command first", Scope.ACCOUNT, True),
        (Stage.MAIL, "530 5.7.1 Authentication required", Scope.ACCOUNT, True),
        (Stage.MAIL, "550 5.4.5 Daily user sending limit exceeded", Scope.ACCOUNT, True),
        (Stage.MAIL, "552 Exceeded storage allocation", "likely", True),
        (Stage.MAIL, "552 5.3.4 Message size exceeds fixed limit", Scope.MESSAGE, True),
        (Stage.MAIL, "552 Message size exceeds maximum permitted", Scope.MESSAGE, True),
        (Stage.MAIL, "553 5.7.1 Sender address rejected: not owned by user", "likely", True),
        (Stage.MAIL, "452 4.3.1 Insufficient system storage", "likely", False),
        (Stage.DATA, "550 5.4.5 Daily user sending limit exceeded", Scope.ACCOUNT, True),
        (Stage.DATA, "554 5.1.90 You've reached your daily limit", Scope.ACCOUNT, True),
        (Stage.DATA, "550 5.7.1 Your daily sending quota is exceeded", Scope.ACCOUNT, True),
        (Stage.DATA, "552 5.3.4 Too big", Scope.MESSAGE, True),
        (Stage.DATA, "554 5.6.0 Message contains bare LF", Scope.MESSAGE, True),
        (Stage.DATA, "554 5.7.1 Message rejected as spam", Scope.SUSPECT, True),
        (Stage.DATA, "421 4.7.0 Too many messages, closing", Scope.ACCOUNT, False),
    ],
)
def test_what_an_answer_means(stage, answer, scope, is_permanent):
    code, _space, text = answer.partition(" ")
    verdict = judge(Refused(stage, int(code), text.encode()))
    expected = Scope.LIKELY_ACCOUNT if scope == "likely" else scope
    assert (verdict.scope, verdict.is_permanent) == (expected, is_permanent)


def states():
    return list(OutgoingEmail.objects.order_by("pk").values_list("state", "attempts"))


def write(count, **fields):
    for n in range(count):
        enqueue(n=n, **fields)


ACCOUNT_FAULTS = {
    "greeting": {"greeting": b"554 5.7.1 No service for you"},
    "EHLO and HELO": {"EHLO": b"550 5.7.1 No", "HELO": b"550 5.7.1 No"},
    "no log-in": {"MAIL": b"530 5.7.0 Authentication required"},
    "sender refused": {"MAIL": b"550 5.7.1 Sender rejected"},
    "storage of the session": {"MAIL": b"552 Exceeded storage allocation"},
    "limit of a day at MAIL": {"MAIL": b"550 5.4.5 Daily user sending limit exceeded"},
    "limit of a day at DATA": {".": b"550 5.4.5 Daily user sending limit exceeded"},
    "relay denied": {"RCPT": RELAY},
    "blocked": {"RCPT": b"554 5.7.1 Service unavailable; client host [192.0.2.7] blocked"},
    "refused alike without a status": {"RCPT": b"550 Administrative prohibition"},
    "refused alike behind DATA": {".": b"554 5.7.1 Unauthenticated mail is not taken"},
    "busy": {"greeting": b"421 4.3.2 Busy"},
    "full": {"MAIL": b"452 4.3.1 Insufficient system storage"},
}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ACCOUNT_FAULTS)
def test_a_fault_of_the_account_holds_all_mail_and_costs_no_attempt(settings, fault):
    write(5)
    with smtp_in_use(settings, script=ACCOUNT_FAULTS[fault]) as server:
        assert outbox.deliver_due(now=NOW) == 0
        assert states() == [(PENDING, 0)] * 5
        failure = outbox.find_failure()
        assert (failure.waiting, failure.message != "") == (5, True)
        before = server.connections
        outbox.deliver_due(now=NOW + 2 * MINUTE)
        assert (server.connections, server.heard["MAIL"] <= 3) == (before + 1, True)
        assert states() == [(PENDING, 0)] * 5
        assert outbox.find_failure().since == failure.since

        server.script = {}
        later = NOW + 30 * MINUTE
        assert outbox.deliver_due(now=later) == 1, "one is tried first"
        assert outbox.deliver_due(now=later) == 4
    assert {state for state, _attempts in states()} == {SENT}
    assert outbox.find_failure() is None


@pytest.mark.django_db
def test_a_log_in_that_is_refused(settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ann", "of no value"
    write(3)
    script = {"AUTH": b"535 5.7.8 Username and password not accepted"}
    with smtp_in_use(settings, script=script, extensions=("AUTH PLAIN",)):
        outbox.deliver_due(now=NOW)
    assert states() == [(PENDING, 0)] * 3
    assert outbox.find_failure().message == (
        "SMTPAuthenticationError: 535 5.7.8 Username and password not accepted"
    )


@pytest.mark.django_db
def test_the_pauses_of_an_account_grow_and_stay_short(settings):
    write(1)
    now, pauses = NOW, []
    with smtp_in_use(settings, script={"RCPT": RELAY}):
        for _try in range(6):
            outbox.deliver_due(now=now)
            again = OutgoingAccount.objects.get().next_attempt_at
            pauses.append(round((again - now) / MINUTE))
            now = again + dt.timedelta(seconds=1)
    assert pauses == [1, 2, 4, 5, 5, 5]


@pytest.mark.django_db
def test_a_person_without_an_address_is_no_fault_of_the_account(settings):
    write(4)
    answers = {f"ann{n}@example.com": b"550 5.1.1 User unknown" for n in (0, 1)}
    with smtp_in_use(settings, answers=answers):
        assert outbox.deliver_due(now=NOW) == 2
    assert [state for state, _ in states()] == [FAILED, FAILED, SENT, SENT]
    assert outbox.find_failure() is None


@pytest.mark.django_db
@pytest.mark.parametrize("refused", [0, 1, 2])
def test_one_that_is_refused_between_others_is_not_sent_again(settings, refused):
    write(3)
    answers = {f"ann{refused}@example.com": b"550 Administrative prohibition"}
    with smtp_in_use(settings, answers=answers):
        assert outbox.deliver_due(now=NOW) == 2
    assert OutgoingEmail.objects.get(state=FAILED).recipient == f"ann{refused}@example.com"
    assert outbox.find_failure() is None


@pytest.mark.django_db
def test_two_that_are_refused_alike_are_found_out_once_another_is_taken(settings):
    """They are held for a minute, and then the server is seen to work."""
    write(4)
    answers = {f"ann{n}@example.com": b"550 Administrative prohibition" for n in (0, 1)}
    with smtp_in_use(settings, answers=answers):
        for minute in range(0, 12, 2):
            outbox.deliver_due(now=NOW + minute * MINUTE)
    assert [state for state, _ in states()] == [FAILED, FAILED, SENT, SENT]
    assert outbox.find_failure() is None


@pytest.mark.django_db
def test_a_sender_that_the_server_refuses_stops_the_others_for_a_minute_only(settings):
    """Some servers refuse the null path, and take all else."""
    enqueue(n=0)
    for n in (1, 2):
        enqueue(n=n, envelope_sender="letterbox@example.com")

    def answer(client):
        null = server.commands[-1].upper().startswith("MAIL FROM:<>")
        client.sendall(b"550 5.7.1 No null path\r\n" if null else b"250 Ok\r\n")

    with smtp_in_use(settings, script={"MAIL": answer}) as server:
        for minute in range(0, 12, 2):
            outbox.deliver_due(now=NOW + minute * MINUTE)
    assert [state for state, _ in states()] == [FAILED, SENT, SENT]
    assert outbox.find_failure() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "script",
    [
        {"MAIL": b"552 5.3.4 Message size exceeds fixed limit"},
        {".": b"554 5.6.0 Invalid message content"},
        {".": b"554 5.7.1 Message rejected as spam"},
        {"DATA": b"554 5.5.1 No valid recipients"},
    ],
)
def test_a_permanent_refusal_of_a_mail_is_not_tried_again(settings, script):
    """RFC 5321 section 4.2.1."""
    write(1)
    with smtp_in_use(settings, script=script) as server:
        for day in range(7):
            outbox.deliver_due(now=NOW + dt.timedelta(days=day))
        assert server.heard["MAIL"] == 1
    assert states() == [(FAILED, 1)]


@pytest.mark.django_db
def test_a_server_that_ends_connections_after_some_mails_gets_new_ones(settings):
    write(6)

    def end(client):
        if len(server.mails) == server.connections:
            client.sendall(b"421 4.7.0 Enough\r\n")
            raise OSError
        client.sendall(b"250 Ok\r\n")

    with smtp_in_use(settings, script={"MAIL": end}) as server:
        for minute in range(6):
            outbox.deliver_due(now=NOW + minute * MINUTE)
    assert {state for state, _attempts in states()} == {SENT}
    assert outbox.find_failure() is None


@pytest.mark.django_db
def test_a_mail_that_breaks_connections_stops_no_other(settings):
    enqueue(n=0, subject="breaks it")
    for n in (1, 2, 3):
        enqueue(n=n)

    def break_down(client):
        if b"breaks it" in server.mails[-1]:
            raise OSError
        client.sendall(b"250 Ok\r\n")

    with smtp_in_use(settings, script={".": break_down}) as server:
        for minute in range(0, 12, 2):
            outbox.deliver_due(now=NOW + minute * MINUTE)
    assert [state for state, _ in states()] == [PENDING, SENT, SENT, SENT]


@pytest.mark.django_db
def test_mail_waits_for_a_server_that_is_away_for_days_and_no_longer(settings):
    with smtp_in_use(settings) as server:
        pass
    write(2)
    settings.EMAIL_PORT = server.port
    for hour in range(0, 121, 6):
        outbox.deliver_due(now=NOW + dt.timedelta(hours=hour))
    assert states() == [(PENDING, 0)] * 2
    outbox.deliver_due(now=NOW + dt.timedelta(hours=121))
    assert states() == [(FAILED, 0)] * 2
    (error,) = set(OutgoingEmail.objects.values_list("last_error", flat=True))
    assert "Connection refused" in error


@pytest.mark.django_db
def test_mail_waits_as_long_as_the_server_refuses_the_account(settings):
    """A person must act, and knows it: no mail is lost meanwhile."""
    write(2)
    with smtp_in_use(settings, script={"RCPT": RELAY}) as server:
        for hour in range(0, 241, 6):
            outbox.deliver_due(now=NOW + dt.timedelta(hours=hour))
        assert states() == [(PENDING, 0)] * 2
        server.script = {}
        for minute in (0, 1):
            outbox.deliver_due(now=NOW + dt.timedelta(hours=242, minutes=minute))
    assert {state for state, _attempts in states()} == {SENT}


@pytest.mark.django_db
def test_an_account_that_fails_keeps_no_other_waiting(settings):
    OutgoingAccount.objects.create(account="broken", failing_since=NOW, failures=3)
    write(1)
    with smtp_in_use(settings):
        assert outbox.deliver_due(now=NOW) == 1


@pytest.mark.django_db
def test_a_failure_that_a_wrong_clock_saw_begin_in_the_future_begins_now(settings):
    write(1)
    with smtp_in_use(settings, script={"RCPT": RELAY}):
        outbox.deliver_due(now=NOW + dt.timedelta(days=1))
        OutgoingEmail.objects.take_up_future(NOW)
        outbox.deliver_due(now=NOW)
    assert OutgoingAccount.objects.get().failing_since - NOW < dt.timedelta(minutes=1)


@pytest.mark.django_db
@pytest.mark.parametrize("words", [RELAY, b"451 busy"])
def test_what_failed_while_the_clock_was_ahead_is_tried_once_it_is_right(settings, words):
    """A refusal of the account, and of the mail."""
    write(1)
    with smtp_in_use(settings, script={"RCPT": words}) as server:
        outbox.deliver_due(now=NOW + dt.timedelta(days=1))
        server.script = {}
        OutgoingEmail.objects.take_up_future(NOW)
        assert outbox.deliver_due(now=NOW) == 1
