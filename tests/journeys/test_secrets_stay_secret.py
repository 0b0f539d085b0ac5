"""A full loop with known secrets: none shows in logs, pages, tracebacks, output or the database.

Reply keys and private addresses stand in mail by their nature: in the raw bytes, which only a right
of its own opens, and in the mail that is sent. Everywhere else they are cut.
"""

import contextlib
import io
import logging
import sys
import traceback
from collections.abc import Iterator

import pytest
from django.contrib import admin as django_admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from config.logs import FORMATS
from incoming_email.inboxes.base import InboxError
from incoming_email.keys import sender_tokens
from incoming_email.models import InboundEmail, InboxMethod, LoginMethod, Mailbox, ReplyKey
from incoming_email.outcomes import Status
from incoming_email.pipeline import fetching
from incoming_email.secrets import secret_files
from issues import outbox
from issues.notifications import fan_out_owed
from tests.factories import UserFactory
from tests.incoming_email.world import make_mail, make_world
from tests.servers.dovecot import password_of

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

WRONG = "wrong-password-of-no-value"
FILED = "filed-password-of-no-value"
CLIENT_SECRET = "client-secret-of-no-value"
REFRESH_TOKEN = "refresh-token-of-no-value"
GRAPH_SECRET = "graph-secret-of-no-value"
LOADED = "loaded-password-of-no-value"
SMTP_PASSWORD = "smtp-password-of-no-value"
OLD_KEY, NEW_KEY = "old-encryption-key-of-no-value", "new-encryption-key-of-no-value"
UNREACHABLE = "https://127.0.0.1:9"
STORED = (WRONG, FILED, CLIENT_SECRET, REFRESH_TOKEN, GRAPH_SECRET, LOADED, OLD_KEY, NEW_KEY)


@pytest.fixture(autouse=True)
def installation(settings, tmp_path):
    settings.SECRETS_DIR = tmp_path / "secrets"
    settings.ENCRYPTION_KEYS = [OLD_KEY]
    settings.EMAIL_HOST_PASSWORD = SMTP_PASSWORD
    settings.EMAIL_BACKEND = "issues.sending.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    settings.EMAIL_HOST_USER = "letterbox"
    return settings


@pytest.fixture
def logged(caplog) -> Iterator[io.StringIO]:
    """All that is logged, in each format, with tracebacks, down to DEBUG, by whichever library."""
    stream = io.StringIO()
    handlers = [logging.StreamHandler(stream) for _ in FORMATS]
    caplog.set_level(logging.DEBUG)
    for handler, formatter in zip(handlers, FORMATS.values(), strict=True):
        handler.setFormatter(formatter())
        logging.getLogger().addHandler(handler)
    yield stream
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


def run(monkeypatch, *words, stdin=""):
    """All that a command says, and how it failed."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    failure = ""
    try:
        call_command(*words, stdout=out, stderr=err)
    except (SystemExit, CommandError):
        failure = traceback.format_exc()
    return out.getvalue() + err.getvalue() + failure


def fail_to_fetch(mailbox):
    """The traceback, as a worker's log would have it."""
    try:
        fetching.fetch(mailbox, holder="test")
    except InboxError:
        return traceback.format_exc() + repr(mailbox.account())
    raise AssertionError(f"{mailbox} can be read")


def pages(client):
    """The text of every list and every row in the admin."""
    for model, registered in django_admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses = [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        rows = registered.model._default_manager.values_list("pk", flat=True)[:20]
        with contextlib.suppress(NoReverseMatch):
            addresses += [reverse(f"{name}_change", args=[pk]) for pk in rows]
        for address in addresses:
            yield client.get(address, follow=True).text


def make_failing_mailboxes(dovecot, user):
    server = {"enabled": True, "host": "localhost", "port": dovecot.port}
    wrong = Mailbox.objects.create(
        name="wrong", address="wrong+%{key}@example.com", user=user, password=WRONG, **server
    )
    filed = Mailbox.objects.create(name="filed", address="f+%{key}@example.com", **server)
    secret_files.write_text(filed.pk, f"user: {user}\npassword: {FILED}")
    oauth = Mailbox.objects.create(
        name="oauth",
        address="o+%{key}@example.com",
        user=user,
        login_method=LoginMethod.XOAUTH2,
        token_endpoint=f"{UNREACHABLE}/token",
        client_id="client",
        client_secret=CLIENT_SECRET,
        refresh_token=REFRESH_TOKEN,
        **server,
    )
    graph = Mailbox.objects.create(
        name="graph",
        enabled=True,
        address="g+%{key}@example.com",
        inbox_method=InboxMethod.MICROSOFT_GRAPH,
        user="g@example.com",
        tenant_id="tenant",
        client_id="client",
        client_secret=GRAPH_SECRET,
        azure_ad_endpoint=UNREACHABLE,
        graph_endpoint=UNREACHABLE,
    )
    return [wrong, filed, oauth, graph]


def test_no_secret_shows_anywhere(
    client, dovecot, imap_user, installation, logged, monkeypatch, tmp_path, capfd
):
    world = make_world()
    user, _, domain = imap_user.partition("@")
    secret = password_of(imap_user)
    Mailbox.objects.update(
        inbox_method=InboxMethod.IMAP,
        address=f"{user}+%{{key}}@{domain}",
        host="localhost",
        port=dovecot.port,
        user=imap_user,
        password="",
    )
    mailbox = Mailbox.objects.get()
    mailbox.password = secret
    mailbox.save()
    world = type(world)(mailbox, world.issue, world.member)

    # In: a reply and an issue by the private address; then one that stumbles.
    reply_to, private = world.reply_address(), world.issue_address()
    key, token = (
        ReplyKey.objects.get().key,
        sender_tokens.ensure_token(user=world.member, now=timezone.now()),
    )
    reply = make_mail(to=reply_to, sender=world.member.email)
    dovecot.deliver(imap_user, reply, make_mail(to=private, sender=world.member.email))
    assert fetching.fetch(mailbox, holder="test") == 2
    assert set(InboundEmail.objects.values_list("status", flat=True)) == {Status.PROCESSED}

    # Out: people are told, and the server can't be reached.
    fan_out_owed(now=timezone.now())
    outbox.deliver_due(now=timezone.now())

    said = [fail_to_fetch(row) for row in make_failing_mailboxes(dovecot, imap_user)]

    config = tmp_path / "gitlab.yml"
    config.write_text(
        'incoming_email:\n  enabled: true\n  address: "l+%{key}@example.com"\n'
        f"  host: a.example.com\n  user: l\n  password: '{LOADED}'\n"
    )
    broken = tmp_path / "gitlab.rb"
    broken.write_text(f"gitlab_rails['incoming_email_password'] = '{LOADED}' + 'x'\n")
    file = tmp_path / "reply.eml"
    file.write_bytes(reply)
    installation.ENCRYPTION_KEYS = [NEW_KEY, OLD_KEY]
    name = ("--mailbox", "filed")
    said += [
        run(monkeypatch, "check_incoming_email", "--json"),
        run(monkeypatch, "check_incoming_email", "-v", "2", "--fetch"),
        run(monkeypatch, "receive_email", "--json", str(file)),
        run(monkeypatch, "receive_email", "--dry-run", str(file)),
        run(monkeypatch, "load_incoming_email_config", str(config)),
        run(monkeypatch, "load_incoming_email_config", str(broken)),
        run(monkeypatch, "incoming_email_secret", "write", *name, stdin=f"password: {FILED}"),
        run(monkeypatch, "incoming_email_secret", "write", *name, stdin=f"password: '{FILED}"),
        run(monkeypatch, "rotate_encryption_keys"),
        run(monkeypatch, "purge_inbound_email", "--dry-run"),
        run(monkeypatch, "erase_person", world.member.username, "--dry-run"),
    ]

    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    shown = list(pages(client))
    for row in Mailbox.objects.all():
        address = reverse("admin:incoming_email_mailbox_test", args=[row.pk])
        shown.append(client.post(address).text)

    captured = capfd.readouterr()
    places = {
        "what commands say": "\n".join(said),
        "the admin": "\n".join(shown),
        "the log": logged.getvalue(),
        "standard output and error": captured.out + captured.err,
    }
    # What is searched is what was meant: the faults, the rows, and keys that were cut.
    assert f"{key[:4]}…" in places["the admin"]
    assert places["the log"].count("fetch failed mailbox=") >= 4 * len(FORMATS)
    assert '"step": "login", "answer": "no"' in places["what commands say"]
    outside = [*STORED, secret, SMTP_PASSWORD, key, token, installation.SECRET_KEY]
    assert find(outside, places) == []
    assert find([*STORED, secret, SMTP_PASSWORD, token], {"the database": dump()}) == []


def find(secrets, places):
    """Only the first letters of what was found, since this stands in the log of the tests."""
    return [
        (name, secret[:4], around(text, secret))
        for name, text in places.items()
        for secret in secrets
        if secret in text
    ]


def around(text, secret):
    at = text.index(secret)
    return text[max(0, at - 120) : at]


def dump():
    """Every column of every table as it is stored, but for the bytes of messages."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            texts += [str(v) for row in cursor.fetchall() for v in row if isinstance(v, str)]
    return "\n".join(texts)
