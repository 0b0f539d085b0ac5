"""The SMTP listener over a real connection: refusal at RCPT, 250 means committed."""

import smtplib
import socket
import threading
import time
import tracemalloc
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, OperationalError

from incoming_email import free_space
from incoming_email.models import InboundEmail, heartbeats
from incoming_email.parsing.message import parse
from incoming_email.pipeline import receiving
from incoming_email.smtp import listener as smtp
from issues import broker
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import free_ports
from tests.servers.talking import talking
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
MAILS_WITHOUT_BROKER = 4


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def port(world):
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port)
    yield port
    controller.stop()


def send(port, recipients, content=None):
    content = content or make_mail(to="x@example.com", sender="ann@example.com")
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        return client.sendmail("ann@example.com", recipients, content)


def refusal(port, recipient):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(port, [recipient])
    return refused.value.recipients[recipient]


@pytest.mark.parametrize(
    "recipient",
    [
        "somebody@letterbox.localhost",
        "incoming@letterbox.localhost",
        "incoming+nothing@letterbox.localhost",
        "incoming+0000000000000000000000000@letterbox.localhost",
        "incoming+0000000000000000000000000-unsubscribe@letterbox.localhost",
        "incoming+x@elsewhere.example",
    ],
)
def test_unknown_recipients_are_refused(port, recipient):
    code, text = refusal(port, recipient)
    assert (code, text[:5]) == (550, b"5.1.1")


def test_bytes_that_are_no_utf_8_are_no_address(port, caplog):
    """For good: to be asked for them again and again helps nobody."""
    with socket.create_connection(("127.0.0.1", port), 20) as raw:
        file = raw.makefile("rwb")
        file.readline()
        answers = []
        for line in (
            b"HELO x",
            b"MAIL FROM:<a@example.com>",
            b"RCPT TO:<\xff@letterbox.localhost>",
        ):
            file.write(line + b"\r\n")
            file.flush()
            answers.append(file.readline())
    assert answers[-1].startswith(b"553 5.1.3")
    assert "Traceback" not in caplog.text


def test_a_known_reply_key_is_taken(world, port):
    address = world.reply_address()
    send(port, [address.upper()])
    row = InboundEmail.objects.get()
    assert (row.recipient.lower(), row.status, row.attempts) == (address, "pending", 0)


def test_every_address_of_the_form_of_a_projects_is_taken(world, port):
    token = "1" * 25
    send(port, [f"incoming+no-such-999-{token}-issue@letterbox.localhost"])
    assert InboundEmail.objects.count() == 1


def test_one_row_a_recipient_and_one_transaction(world, port, monkeypatch):
    addresses = [world.reply_address(), world.issue_address()]
    send(port, addresses)
    assert sorted(InboundEmail.objects.values_list("recipient", flat=True)) == sorted(addresses)
    ids = {row.source_id.partition(":")[0] for row in InboundEmail.objects.all()}
    assert len(ids) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "taken"), [(3, 100), (102, 102)])
def test_one_transaction_takes_as_many_as_a_message_may_have(world, port, settings, limit, taken):
    """Fewer than 100 would be against RFC 5321 4.5.3.1.8."""
    settings.MAX_RECIPIENTS = limit
    address = world.reply_address()
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        client.mail("ann@example.com")
        codes = [client.rcpt(address)[0] for _ in range(104)]
    assert codes == [250] * taken + [452] * (104 - taken)


@pytest.mark.parametrize(("cause", "code"), [(None, 451), (psycopg.errors.DiskFull(), 452)])
def test_a_failed_commit_is_put_off(world, port, monkeypatch, cause, code):
    def fail(*_args, **_kwargs):
        raise DatabaseError("could not extend file") from cause

    monkeypatch.setattr(receiving, "store_together", fail)
    with pytest.raises(smtplib.SMTPDataError) as error:
        send(port, [world.reply_address()])
    assert error.value.smtp_code == code
    assert InboundEmail.objects.count() == 0


def test_while_a_disk_is_nearly_full_no_content_is_taken(world, port, settings):
    settings.CHECK_DISK_MIN_BYTES = 10**18
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        code, text = client.mail("ann@example.com")
        assert (code, text[:5]) == (452, b"4.3.1")
        settings.CHECK_DISK_MIN_BYTES = 0
        client.sendmail("ann@example.com", [world.reply_address()], "Subject: x\r\n\r\ny\r\n")
    assert InboundEmail.objects.count() == 1


def test_a_message_that_would_fill_the_disk_is_put_off_by_its_size(world, port, settings):
    settings.MAX_MESSAGE_BYTES = 10**18
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        assert client.mail("ann@example.com", [f"size={10**17}"])[0] == 452
        assert client.mail("ann@example.com", ["body=8bitmime", "size=1000"])[0] == 250


def test_a_disk_that_never_answers_keeps_no_mail_away(world, port, monkeypatch):
    answered = threading.Event()
    space = (1, free_space.FreeSpace(Path(), 10**12))
    monkeypatch.setattr(free_space, "measure", lambda _folder: answered.wait(60) and space)
    monkeypatch.setattr(free_space, "SECONDS", 0.5)
    folders = len(set(free_space._find_folders()))
    for _ in range(3):
        send(port, [world.reply_address()])
    assert [each.name for each in threading.enumerate()].count("disk") == folders
    answered.set()
    wait_until(lambda: "disk" not in [each.name for each in threading.enumerate()])
    assert InboundEmail.objects.count() == 3


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_nobody_waits_for_a_broker_that_is_away(world, port, monkeypatch, scheme):
    monkeypatch.setattr(broker, "_sender", broker.Sender())
    (nowhere,) = free_ports(1)
    monkeypatch.setenv("CELERY_BROKER_URL", f"{scheme}://127.0.0.1:{nowhere}//")
    address = world.reply_address()
    started = time.monotonic()
    for _ in range(MAILS_WITHOUT_BROKER):
        send(port, [address])
    # Before, each took 6.6 seconds, in which Celery tried again.
    assert time.monotonic() - started < 3 * MAILS_WITHOUT_BROKER
    broker.flush()
    assert InboundEmail.objects.count() == MAILS_WITHOUT_BROKER


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_nobody_waits_for_a_broker_that_never_answers(world, port, monkeypatch, scheme):
    monkeypatch.setattr(broker, "_sender", broker.Sender())
    with talking(b"") as silent:
        monkeypatch.setenv("CELERY_BROKER_URL", f"{scheme}://127.0.0.1:{silent}//")
        started = time.monotonic()
        for _ in range(3):
            send(port, [world.reply_address()])
        # Before, each waited until the listener's own deadline of a minute.
        assert time.monotonic() - started < 30
        broker.flush()
    assert InboundEmail.objects.count() == 3


def test_the_null_reverse_path_is_taken(world, port):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("", [world.reply_address()], b"Subject: x\r\n\r\ny\r\n")
    assert InboundEmail.objects.count() == 1


@pytest.mark.parametrize("mail_from", ["", "ann@example.com"])
def test_the_reverse_path_is_kept_above_the_message(world, port, mail_from):
    """Above one that the message brought along, so that only ours counts."""
    content = b"Return-Path: <forged@example.com>\r\nSubject: x\r\n\r\ny\r\n"
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail(mail_from, [world.reply_address()], content)
    raw = bytes(InboundEmail.objects.get().raw)
    assert raw == f"Return-Path: <{mail_from}>\r\n".encode() + content
    assert parse(raw).null_return_path is (mail_from == "")


def test_a_line_of_half_a_megabyte_is_taken(world, port):
    send(port, [world.reply_address()], b"Subject: x\r\n\r\n" + b"y" * 500_000 + b"\r\n")
    assert len(bytes(InboundEmail.objects.get().raw)) > 500_000


def test_a_bare_line_feed_is_refused_and_hides_no_second_mail(world, port):
    address = world.reply_address()
    with socket.create_connection(("127.0.0.1", port), 20) as raw:
        file = raw.makefile("rwb")
        file.readline()
        for line in ("HELO x", "MAIL FROM:<a@example.com>", f"RCPT TO:<{address}>", "DATA"):
            file.write(line.encode() + b"\r\n")
            file.flush()
            file.readline()
        file.write(b"Subject: x\r\n\r\na\n.\nMAIL FROM:<b@example.com>\r\n.\r\n")
        file.flush()
        assert file.readline().startswith(b"550 5.6.0")
    assert InboundEmail.objects.count() == 0


def test_a_database_that_is_away_is_answered_451_at_rcpt(world, port, monkeypatch):
    address = world.reply_address()

    def fail(*_args):
        raise DatabaseError("gone")

    monkeypatch.setattr(smtp, "find_mailbox", fail)
    code, text = refusal(port, address)
    assert (code, text[:5]) == (451, b"4.3.0")


def test_of_two_rows_none_is_kept_where_one_fails(world, port, monkeypatch):
    """The transaction is one, so the 451 is true of both recipients."""
    addresses = [world.reply_address(), world.issue_address()]
    real = receiving.new_row

    def spoil_the_second(mailbox, message, **how):
        row = real(mailbox, message, **how)
        if message.recipient == addresses[1]:
            row.received_at = None
        return row

    monkeypatch.setattr(receiving, "new_row", spoil_the_second)
    with pytest.raises(smtplib.SMTPDataError) as error:
        send(port, addresses)
    assert (error.value.smtp_code, InboundEmail.objects.count()) == (451, 0)


def test_a_key_revoked_between_rcpt_and_data_is_refused(world, port):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        client.mail("a@example.com")
        assert client.rcpt(world.reply_address())[0] == 250
        world.mailbox.enabled = False
        world.mailbox.save()
        code, text = client.data(b"Subject: x\r\n\r\ny\r\n")
    assert (code, text[:5]) == (550, b"5.1.1")


def test_what_is_over_the_limit_is_refused(world, port):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "50000000"
        code, text = client.docmd(f"MAIL FROM:<a@example.com> SIZE={50_000_001}")
        assert (code, text[:5]) == (552, b"5.3.4")
        assert client.docmd(f"MAIL FROM:<a@example.com> SIZE={50_000_000}")[0] == 250


@pytest.mark.parametrize(
    ("sizes", "status"),
    [("SIZE=X SIZE=5", 250), ("SIZE=\u00b2 SMTPUTF8", 250), (f"SIZE=5 SIZE={50_000_001}", 552)],
)
def test_sizes_that_no_client_declares_are_no_fault_of_ours(port, caplog, sizes, status):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.ehlo()
        client.sock.sendall(f"MAIL FROM:<a@example.com> {sizes}\r\n".encode())
        assert client.getreply()[0] == status
    assert "listener failed" not in caplog.text


def test_a_fault_of_ours_never_makes_the_sender_give_up(world, port, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr(receiving, "store_together", fail)
    with pytest.raises(smtplib.SMTPDataError) as error:
        send(port, [world.reply_address()])
    assert error.value.smtp_code == 451


@pytest.fixture
def locked(monkeypatch):
    """Look-ups that wait, as they do while a table is locked."""
    unlocked = threading.Event()
    find = smtp.find_mailbox
    monkeypatch.setattr(smtp, "DATABASE_SECONDS", 0.5)
    monkeypatch.setattr(smtp, "find_mailbox", lambda address: unlocked.wait(30) and find(address))
    yield unlocked
    unlocked.set()


def test_a_database_that_does_not_answer_is_answered_451_in_time(world, port, locked):
    address = world.reply_address()
    for _ in range(smtp.DATABASE_THREADS + 1):
        code, text = refusal(port, address)
        assert (code, text[:5]) == (451, b"4.3.0")
    locked.set()
    send(port, [address])
    assert InboundEmail.objects.count() == 1


def test_a_sign_of_life_that_fails_ends_nothing(monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(heartbeats, "record_heartbeat", fail)
    smtp.record_heartbeat()
    assert "not done for a fault of the database work=sign of life" in caplog.text


def send_raw(port, recipient, content):
    """As it is, with a client that holds no more than one piece of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        replies = client.makefile("rb")
        replies.readline()
        for command in ("HELO x", "MAIL FROM:<ann@example.com>", f"RCPT TO:<{recipient}>", "DATA"):
            client.sendall(f"{command}\r\n".encode())
            replies.readline()
        for piece in content:
            client.sendall(piece)
        client.sendall(b".\r\n")
        return replies.readline()


def test_dots_and_long_lines_are_kept_as_they_were_meant(world, port):
    lines = [b"Subject: dots", b"", b"..one", b"..", b"a" * 300_000 + b".", b".", b"..end"]
    content = b"".join(line + b"\r\n" for line in lines if line != b".")
    assert send_raw(port, world.reply_address(), [content])[:3] == b"250"
    stored = bytes(InboundEmail.objects.get().raw)
    assert stored.endswith(b"\r\n.one\r\n.\r\n" + b"a" * 300_000 + b".\r\n.end\r\n")


def test_a_line_that_is_too_long_is_refused_once_all_has_come(world, port):
    content = [b"Subject: long\r\n\r\n", b"a" * 1_100_000 + b"\r\n", b"last\r\n"]
    assert send_raw(port, world.reply_address(), content)[:3] == b"500"
    assert not InboundEmail.objects.exists()


def test_a_message_takes_less_than_three_times_its_size(world, port):
    piece = (b"A" * 76 + b"\r\n") * 1000
    size = 150 * len(piece)
    tracemalloc.start()
    try:
        assert send_raw(port, world.reply_address(), [b"Subject: x\r\n\r\n", *[piece] * 150])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(InboundEmail.objects.get().raw) > size
    assert peak < 3 * size
