"""Recipients that were refused leave a trace, and a flood of them does not fill the disk."""

import smtplib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from incoming_email import tasks
from incoming_email.models import RefusedRecipient, refusals
from incoming_email.smtp import listener as smtp
from incoming_email.smtp import protocol
from incoming_email.smtp.refusals import MAX_KINDS, Refusal, Refusals, create_refusals
from tests.incoming_email.world import make_world
from tests.servers.dovecot import free_ports
from tests.waiting import PATIENCE_SECONDS, wait_until

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
SENDER = "ann@customer.example"
KEY = "0123456789abcdefghijklmno"


def refuse(recipient="x@here.example", *, now=NOW, count=1, peer="203.0.113.1", sender=SENDER):
    refusal = Refusal(peer, sender, recipient, smtp.UNKNOWN)
    create_refusals(Counter({refusal: count}), now=now)


@pytest.mark.django_db(transaction=True)
def test_what_was_refused_is_written_soon_and_counted(monkeypatch):
    monkeypatch.setattr(smtp.refusals, "SECONDS", 0.2)
    make_world()
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port)
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS) as client:
            client.ehlo()
            client.mail(SENDER)
            assert client.rcpt(f"incoming+{KEY}@letterbox.localhost")[0] == 550
            assert client.rcpt(f"incoming+{KEY}@letterbox.localhost")[0] == 550
            client.rset()
            client.mail("")
            assert client.rcpt("nobody@letterbox.localhost")[0] == 550
        wait_until(lambda: sum(RefusedRecipient.objects.values_list("count", flat=True)) == 3)
    finally:
        controller.stop()
    rows = RefusedRecipient.objects.values_list("sender", "recipient", "peer", "answer")
    assert set(rows) == {
        (SENDER, "incoming+0123…@letterbox.localhost", "127.0.0.1", smtp.UNKNOWN),
        ("", "nobody@letterbox.localhost", "127.0.0.1", smtp.UNKNOWN),
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [{}, {"lmtp": True}], ids=["smtp", "lmtp"])
def test_what_is_too_large_is_refused_before_it_comes_and_stands_there(settings, kind):
    settings.MAX_MESSAGE_BYTES = 1000
    address = make_world().reply_address()
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port, **kind)
    client = (smtplib.LMTP if kind else smtplib.SMTP)("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    with client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:  # it says the size by itself
            client.sendmail(SENDER, [address], b"x" * 1001)
        assert (refused.value.smtp_code, refused.value.smtp_error[:5]) == (552, b"5.3.4")
        client.mail(SENDER)
        client.rcpt(address)
        assert client.data(b"y\r\n" * 400)[0] == 552
    controller.stop()
    controller.handler.write_refusals()
    rows = RefusedRecipient.objects.order_by("recipient").values_list("sender", "recipient")
    key = address.removeprefix("incoming+")[:4]
    assert list(rows) == [(SENDER, ""), (SENDER, f"incoming+{key}…@letterbox.localhost")]
    assert {row.answer for row in RefusedRecipient.objects.all()} == {protocol.TOO_LARGE}


@pytest.mark.django_db(transaction=True)
def test_what_waits_is_written_when_the_listener_ends():
    make_world()
    (port,) = free_ports(1)
    controller = smtp.start_listener("127.0.0.1", port)
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE_SECONDS) as client:
        client.ehlo()
        client.mail(SENDER)
        client.rcpt("nobody@letterbox.localhost")
    controller.stop()
    controller.handler.write_refusals()
    assert RefusedRecipient.objects.get().recipient == "nobody@letterbox.localhost"


@pytest.mark.django_db
def test_many_different_ones_are_counted_together():
    waiting = Refusals()
    began = [waiting.add(Refusal("1.1.1.1", "", f"{n}@a.b", "550")) for n in range(MAX_KINDS + 90)]
    assert began == [True] + [False] * (MAX_KINDS + 89)
    waiting.write()
    assert RefusedRecipient.objects.count() == MAX_KINDS + 1
    assert RefusedRecipient.objects.get(recipient="…").count == 90
    waiting.write()
    assert RefusedRecipient.objects.count() == MAX_KINDS + 1


@pytest.mark.django_db
def test_no_more_are_kept_than_fit(monkeypatch):
    monkeypatch.setattr(refusals, "MAX_ROWS", 3)
    for number in range(7):
        refuse(f"{number}@here.example")
    kept = RefusedRecipient.objects.order_by("pk").values_list("recipient", flat=True)
    assert [each[0] for each in kept] == ["4", "5", "6"]


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "kept"), [(0, 2), (30, 1)])
def test_they_are_kept_for_so_many_days(settings, days, kept):
    settings.KEEP_REFUSALS_DAYS = days
    now = datetime.now(UTC)
    refuse(now=now - timedelta(days=31))
    refuse(now=now - timedelta(days=29))
    tasks.purge()
    assert RefusedRecipient.objects.count() == kept


@pytest.mark.django_db
def test_odd_words_of_a_client_are_kept_as_text():
    refuse("a\x00b\udc80\r\nc@x" + "y" * 300, sender="\x00\udcff@a")
    row = RefusedRecipient.objects.get()
    assert (row.recipient[:9], len(row.recipient), row.sender) == ("ab? c@xyy", 254, "?@a")


@pytest.mark.django_db
def test_a_person_who_is_erased_is_in_none_of_them():
    refuse(sender="Ann@customer.example")
    refuse(SENDER, sender="bo@example.org")
    refuse(sender="bo@example.org")
    call_command("erase_person", SENDER, verbosity=0)
    assert [row.sender for row in RefusedRecipient.objects.all()] == ["bo@example.org"]
