"""Mail as rows: written once, with nothing strange in a header."""

import logging
from email.utils import parsedate_to_datetime

import pytest
from celery import current_app
from celery.exceptions import OperationalError
from django.db import transaction
from django.utils import timezone

from issues import outbox
from issues.models import OutgoingEmail
from issues.outbox import Automatic, MailHeaders
from issues.outbox.messages import build_message
from tests.factories import ProjectFactory
from tests.issues.outgoing import NOW, enqueue, read


@pytest.fixture
def wakes(monkeypatch):
    """The names of tasks that were enqueued."""
    names = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_options: names.append(name))
    return names


@pytest.mark.django_db
def test_an_effect_has_one_mail():
    first = enqueue()

    assert enqueue(subject="Another") is None
    assert OutgoingEmail.objects.get() == first
    assert (first.state, first.attempts, first.next_attempt_at) == ("pending", 0, NOW)
    assert first.message_id == "notice-1@letterbox.localhost"


@pytest.mark.django_db
def test_a_project_is_kept_and_the_sender_defaults_to_the_site():
    project = ProjectFactory()

    enqueue(project=project)

    row = OutgoingEmail.objects.get()
    assert row.project == project
    assert row.from_header == "Letterbox <letterbox@letterbox.localhost>"


@pytest.mark.django_db
def test_enqueue_many_passes_over_what_exists(django_assert_num_queries):
    enqueue(n=1)
    mails = [
        outbox.NewMail(
            kind="notice",
            effect_key=f"notice-{n}",
            recipient=f"ann{n}@example.com",
            subject="Hello",
            text="Again",
            envelope_sender="",
            message_id=f"notice-{n}@letterbox.localhost",
        )
        for n in (1, 2, 3)
    ]

    with django_assert_num_queries(1):
        outbox.enqueue_many(mails, now=NOW)

    texts = OutgoingEmail.objects.order_by("effect_key").values_list("text", flat=True)
    assert list(texts) == ["Good morning", "Again", "Again"]


@pytest.mark.django_db
def test_nothing_unstorable_is_stored():
    row = enqueue(text="a\0b\ud800", html="<p>\0</p>", subject="x" * 600 + "\r\n")

    row.refresh_from_db()
    assert (row.text, row.html, row.subject) == ("ab?", "<p></p>", "x" * 500)


@pytest.mark.parametrize(
    "value",
    [
        "Hi\r\nBcc: evil@attacker.example",
        "Hi\nBcc: evil@attacker.example",
        "Hi\rBcc: evil@attacker.example",
        "Hi\x0b\x0c\x1c\x85\u2028Bcc: evil@attacker.example",
    ],
)
@pytest.mark.django_db
def test_no_value_starts_a_header_of_its_own(value):
    row = enqueue(
        subject=value,
        headers=MailHeaders(list_id=value, in_reply_to=value),
        from_header=outbox.address_with_name(value, "a@example.com"),
    )

    message = read(build_message(row))
    assert message["Bcc"] is None
    assert message["Subject"] == "Hi Bcc: evil@attacker.example"
    assert message["List-Id"] == "Hi Bcc: evil@attacker.example"
    assert message["In-Reply-To"] == "<Hi Bcc: evil@attacker.example>"
    assert [a.addr_spec for a in message["From"].addresses] == ["a@example.com"]


@pytest.mark.django_db
def test_a_row_that_was_changed_by_hand_is_cleaned_when_sent():
    row = enqueue()
    row.subject = "Hi\r\nBcc: evil@attacker.example"
    row.headers = {"X-Thing": "a\nBcc: evil@attacker.example"}

    assert read(build_message(row))["Bcc"] is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        'Joe" <victim@example.com>, "x',
        "Joe <victim@example.com>, x",
        'Jörg" <victim@example.com>, "x',
        "back\\slash\\",
        "trailing\\",
        "comma, semi; colon: (comment)",
        "한국어 이름",
        "=?utf-8?q?=22_=3Cvictim=40example=2Ecom=3E?=",
    ],
)
def test_a_name_carries_no_recipient(name):
    row = enqueue(from_header=outbox.address_with_name(name, "a@example.com"))

    addresses = read(build_message(row))["From"].addresses

    assert [address.addr_spec for address in addresses] == ["a@example.com"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ann", '"Ann" <a@example.com>'),
        ('A"n\\n', '"A\\"n\\\\n" <a@example.com>'),
        ("", "a@example.com"),
        ("\r\n", "a@example.com"),
        ("x" * 200, f'"{"x" * 100}" <a@example.com>'),
    ],
)
def test_address_with_name(name, expected):
    assert outbox.address_with_name(name, "a@example.com") == expected


@pytest.mark.parametrize(
    "header", ["a@example.com", "<a@example.com>", "Ann <a@example.com>", '"A <x>" <a@example.com>']
)
def test_bare_address(header):
    assert outbox.bare_address(header) == "a@example.com"


def test_the_origin_proves_that_a_mail_is_ours(settings):
    origin = outbox.origin_of("<a@letterbox.localhost>")

    assert origin == outbox.origin_of("a@letterbox.localhost")
    assert outbox.is_own("a@letterbox.localhost", f" {origin} ")
    assert not outbox.is_own("b@letterbox.localhost", origin)
    assert not outbox.is_own("a@letterbox.localhost", "")
    assert not outbox.is_own("a@letterbox.localhost", "é")
    settings.SECRET_KEY = "another key"
    assert not outbox.is_own("a@letterbox.localhost", origin)


@pytest.mark.django_db
def test_every_mail_says_that_a_machine_wrote_it():
    row = enqueue(html="<p>Good morning</p>")

    message = read(build_message(row))

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Message-ID"] == "<notice-1@letterbox.localhost>"
    assert message["X-Letterbox-Origin"] == outbox.origin_of("notice-1@letterbox.localhost")
    assert message["To"] == "ann1@example.com"
    assert b"\nMessage-ID: <notice-1@" in build_message(row).message().as_bytes()
    assert parsedate_to_datetime(message["Date"]) == NOW
    assert message.get_content_type() == "multipart/alternative"
    # Django 6.0 ends the last line.
    assert message.get_body(("plain",)).get_content().rstrip() == "Good morning"
    assert message.get_body(("html",)).get_content().rstrip() == "<p>Good morning</p>"


@pytest.mark.django_db
def test_a_long_id_stays_on_the_line_of_its_name():
    row = enqueue(message_id=f"{'a' * 150}@letterbox.localhost")

    assert f"\nMessage-ID: <{'a' * 150}@" in build_message(row).message().as_string()


@pytest.mark.django_db
def test_an_answer_of_a_machine_says_so():
    row = enqueue(
        headers=MailHeaders(automatic=Automatic.REPLIED, in_reply_to="x@example.com"),
    )

    message = read(build_message(row))

    assert message.get_all("Auto-Submitted") == ["auto-replied"]
    assert message["In-Reply-To"] == "<x@example.com>"


@pytest.mark.django_db(transaction=True)
def test_the_worker_is_woken_after_commit_and_not_after_a_rollback(wakes):
    with transaction.atomic():
        enqueue(n=1)
        assert wakes == []
    assert wakes == ["issues.deliver_outgoing_email"]

    def fail():
        with transaction.atomic():
            enqueue(n=2)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert len(wakes) == 1


@pytest.mark.django_db(transaction=True)
def test_many_kicks_make_one(wakes):
    with outbox.wake_once():
        for n in range(3):
            with outbox.wake_once():
                enqueue(n=n)
        assert wakes == []

    assert wakes == ["issues.deliver_outgoing_email"]
    outbox.wake_worker()
    assert len(wakes) == 2


@pytest.mark.django_db(transaction=True)
def test_kicks_inside_a_transaction_that_ends_later_make_one(wakes):
    with transaction.atomic():
        with outbox.wake_once():
            enqueue(n=1)
            enqueue(n=2)
        assert wakes == []

    assert wakes == ["issues.deliver_outgoing_email"]


@pytest.mark.django_db(transaction=True)
def test_one_kick_without_a_mail_wakes_nobody(wakes):
    with outbox.wake_once():
        pass

    assert wakes == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("no broker"), OSError("disk full")])
def test_a_broker_that_is_away_is_logged_and_never_raised(monkeypatch, caplog, error):
    def fail(_name, **_options):
        raise error

    monkeypatch.setattr(current_app, "send_task", fail)

    with caplog.at_level(logging.WARNING):
        assert enqueue() is not None

    assert "broker unreachable, a sweep does the work" in caplog.text
    assert OutgoingEmail.objects.count() == 1


@pytest.mark.django_db
def test_a_real_clock_finds_real_mail():
    enqueue(now=timezone.now())

    assert outbox.deliver_due(now=timezone.now()) == 1
