"""What is sent as a server can take it: 8-bit texts, addresses beyond ASCII, our name."""

import email
import email.policy

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from issues import outbox
from issues.models import OutgoingEmail, OutgoingState
from tests.issues.outgoing import NOW, enqueue
from tests.issues.sending_steps import smtp_in_use

KOREAN = "안녕하세요 café\n.dot\n"
PLAIN_SERVER = ("PIPELINING", "SIZE 1000000")


def parts_of(content):
    message = email.message_from_bytes(content, policy=email.policy.default)
    return [part for part in message.walk() if not part.is_multipart()]


@pytest.mark.django_db
@pytest.mark.parametrize("html", ["", "<p>안녕하세요 café</p>"])
def test_a_server_without_8bitmime_gets_ascii(settings, html):
    """RFC 6152 section 3."""
    row = enqueue(text=KOREAN, html=html, subject="안녕")
    with smtp_in_use(settings, extensions=PLAIN_SERVER) as server:
        assert outbox.deliver_due(now=NOW) == 1
    (content,) = server.mails
    assert content.isascii()
    assert "BODY" not in next(line for line in server.commands if line.startswith("mail"))
    texts = [part.get_content() for part in parts_of(content)]
    assert texts[0].split() == KOREAN.split()
    assert [text.strip() for text in texts[1:]] == ([html] if html else [])
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Message-ID"] == f"<{row.message_id}>"
    assert message["Subject"] == "안녕"
    assert message["X-Letterbox-Origin"] == outbox.origin_of(row.message_id)


@pytest.mark.django_db
def test_a_server_with_8bitmime_is_told_of_it(settings):
    enqueue(text=KOREAN)
    with smtp_in_use(settings) as server:
        assert outbox.deliver_due(now=NOW) == 1
    assert not server.mails[0].isascii()
    assert "BODY=8BITMIME" in next(line for line in server.commands if line.startswith("mail"))


@pytest.mark.django_db
def test_an_address_beyond_ascii_is_written_as_it_is(settings):
    """RFC 6531: an encoded word would be another address."""
    enqueue(recipient="änn@example.com")
    with smtp_in_use(settings) as server:
        assert outbox.deliver_due(now=NOW) == 1
    mail_command = next(line for line in server.commands if line.startswith("mail"))
    assert mail_command.endswith("SMTPUTF8 BODY=8BITMIME")
    # Python 3.13 writes the whole command in lower case.
    assert "rcpt to:<änn@example.com>" in [each.lower() for each in server.commands]
    assert "\r\nTo: änn@example.com\r\n".encode() in server.mails[0]


@pytest.mark.django_db
@pytest.mark.parametrize("extensions", [PLAIN_SERVER, (*PLAIN_SERVER, "8BITMIME")])
def test_a_server_without_smtputf8_fails_such_an_address_with_the_reason(settings, extensions):
    enqueue(recipient="änn@example.com")
    enqueue(n=2)
    with smtp_in_use(settings, extensions=extensions) as server:
        assert outbox.deliver_due(now=NOW) == 1
    failed = OutgoingEmail.objects.get(state=OutgoingState.FAILED)
    assert failed.recipient == "änn@example.com"
    assert "does not take those (SMTPUTF8, RFC 6531)" in failed.last_error
    assert len(server.mails) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("backend", ["locmem.EmailBackend", "filebased.EmailBackend"])
def test_a_mail_without_a_recipient_fails_though_the_backend_would_take_it(
    settings, tmp_path, backend
):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}"
    settings.EMAIL_FILE_PATH = tmp_path
    enqueue(recipient="")
    enqueue(n=2)
    assert outbox.deliver_due(now=NOW) == 1
    failed = OutgoingEmail.objects.get(state=OutgoingState.FAILED)
    assert (failed.recipient, failed.last_error) == (
        "",
        "Unsendable: The mail has no recipient.",
    )


@pytest.mark.django_db
def test_what_a_backend_did_not_count_waits(settings):
    """As Django's own does where it has no connection."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.base.BaseEmailBackend"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseEmailBackend, "send_messages", lambda _self, _messages: 0)
        enqueue()
        assert outbox.deliver_due(now=NOW) == 0
    row = OutgoingEmail.objects.get()
    assert (row.state, row.last_error) == (
        OutgoingState.PENDING,
        "ConnectionError: The mail server took no mail.",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "said"), [("mx.example.com",) * 2, ("", "[127.0.0.1]")])
def test_our_name(settings, name, said):
    settings.EMAIL_EHLO_NAME = name
    enqueue()
    with smtp_in_use(settings) as server:
        outbox.deliver_due(now=NOW)
    assert server.commands[0] == f"ehlo {said}"


@pytest.mark.parametrize(
    ("host", "tls", "password", "warns"),
    [
        ("mail.example.com", False, "pw", True),
        ("192.0.2.7", False, "pw", True),
        ("mail.example.com", True, "pw", False),
        ("mail.example.com", False, "", False),
        ("localhost", False, "pw", False),
        ("127.0.0.2", False, "pw", False),
        ("::1", False, "pw", False),
    ],
)
def test_a_password_in_clear_is_warned_of(settings, host, tls, password, warns):
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = host, tls
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "ann", password
    assert is_warned_of("issues.W002") is warns


@pytest.mark.parametrize(("seconds", "warns"), [(240, False), (200, True)])
def test_a_task_that_would_be_killed_while_it_sends_is_warned_of(settings, seconds, warns):
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    settings.EMAIL_EXCHANGE_SECONDS, settings.TASK_BUDGET_SECONDS = 60, 60
    settings.CELERY_TASK_TIME_LIMIT = seconds
    assert is_warned_of("issues.W003") is warns


def is_warned_of(name):
    try:
        call_command("check", fail_level="WARNING")
    except SystemCheckError as error:
        return name in str(error)
    return False
