"""A change of the encryption key: all goes over, workers may go on, and a stop costs nothing."""

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection

from incoming_email.keys import sender_tokens
from incoming_email.models import Mailbox, SenderToken
from incoming_email.secrets import credentials, secret_files
from incoming_email.upkeep import rotating
from tests.factories import UserFactory
from tests.incoming_email.factories import MailboxFactory, SenderTokenFactory
from tests.incoming_email.secret_commands import run

COMMAND = "rotate_encryption_keys"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings, tmp_path):
    settings.SECRETS_DIR = tmp_path / "secrets"
    settings.ENCRYPTION_KEYS = ["old"]
    return settings


def stored(table, column):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY id")
        return [value for (value,) in cursor.fetchall()]


def changed(places):
    return {each.name: each.changed for each in places if each.changed}


def test_everything_goes_over_and_the_old_key_can_go(keys):
    MailboxFactory(password="first", client_secret="graph", refresh_token="", rotated_token="r")
    MailboxFactory(password="second")
    row = SenderTokenFactory()
    secret_files.write_text(1, "password: filed")
    keys.ENCRYPTION_KEYS = ["new", "old"]
    assert changed(rotating.rotate()) == {
        "incoming_email.Mailbox.password": 2,
        "incoming_email.Mailbox.client_secret": 1,
        "incoming_email.Mailbox.rotated_token": 1,
        "incoming_email.SenderToken.token": 1,
        "encrypted files": 1,
    }
    keys.ENCRYPTION_KEYS = ["new"]
    first, second = Mailbox.objects.order_by("pk")
    assert (first.password, first.client_secret, first.refresh_token) == ("first", "graph", "")
    assert (first.rotated_token, second.password) == ("r", "second")
    assert sender_tokens.find_owner_token(row.token).user == row.user
    assert secret_files.find_secrets(1).password == "filed"


def test_seeds_of_second_factors_go_over_and_the_old_key_can_go(keys):
    ada = UserFactory()
    app = TOTP.activate(ada, "JBSWY3DPEHPK3PXP").instance
    codes = RecoveryCodes.activate(ada)
    before = codes.generate_codes()
    codes.validate_code(before[0])
    keys.ENCRYPTION_KEYS = ["new", "old"]

    assert changed(rotating.rotate(dry_run=True)) == {"mfa.Authenticator": 2}
    assert changed(rotating.rotate()) == {"mfa.Authenticator": 2}
    assert changed(rotating.rotate()) == {}

    keys.ENCRYPTION_KEYS = ["new"]
    app.refresh_from_db()
    assert credentials.decrypt(app.data["secret"]) == "JBSWY3DPEHPK3PXP"
    again = RecoveryCodes.activate(ada)
    assert (again.generate_codes(), len(again.get_unused_codes())) == (before, 9)
    keys.ENCRYPTION_KEYS = ["third"]
    unreadable = {each.name: len(each.unreadable) for each in rotating.rotate()}
    assert unreadable["mfa.Authenticator"] == 2


def test_every_encrypted_column_of_every_app_is_known():
    """So that a new one can't be forgotten."""
    places = {each.name for each in rotating.rotate()}
    assert places >= {
        "incoming_email.Mailbox.password",
        "incoming_email.Mailbox.refresh_token",
        "incoming_email.Mailbox.client_secret",
        "incoming_email.Mailbox.rotated_token",
        "incoming_email.SenderToken.token",
        "encrypted files",
    }


def test_tokens_are_found_before_during_and_after(keys):
    tokens = [SenderTokenFactory().token for _ in range(3)]
    keys.ENCRYPTION_KEYS = ["new", "old"]
    assert all(sender_tokens.find_owner_token(token) for token in tokens)
    for _ in rotating.rotate():
        assert all(sender_tokens.find_owner_token(token) for token in tokens)
    assert {row.digest for row in SenderToken.objects.all()} == {
        credentials.digest(token) for token in tokens
    }


def test_second_run_changes_nothing(keys):
    MailboxFactory()
    secret_files.write_text(1, "password: filed")
    keys.ENCRYPTION_KEYS = ["new", "old"]
    list(rotating.rotate())
    before = stored("incoming_email_mailbox", "password"), secret_files.path_of(1).read_bytes()
    assert changed(rotating.rotate()) == {}
    after = stored("incoming_email_mailbox", "password"), secret_files.path_of(1).read_bytes()
    assert before == after


def test_broken_off_it_goes_on_with_the_rest(keys, monkeypatch):
    MailboxFactory.create_batch(5)
    keys.ENCRYPTION_KEYS = ["new", "old"]
    left = iter([True, True])
    exchange = rotating._exchange

    def die_at_the_third(*args, **words):
        if next(left, None) is None:
            raise SystemExit
        return exchange(*args, **words)

    monkeypatch.setattr(rotating, "_exchange", die_at_the_third)
    with pytest.raises(SystemExit):
        list(rotating.rotate())
    assert len(set(Mailbox.objects.values_list("password", flat=True))) == 1
    monkeypatch.setattr(rotating, "_exchange", exchange)
    assert changed(rotating.rotate()) == {"incoming_email.Mailbox.password": 3}


def test_what_a_worker_writes_meanwhile_stays(keys, monkeypatch):
    mailbox = MailboxFactory(password="read")
    keys.ENCRYPTION_KEYS = ["new", "old"]
    exchange = rotating._exchange

    def write_first(*args, **words):
        Mailbox.objects.filter(pk=mailbox.pk).update(password="written")
        return exchange(*args, **words)

    monkeypatch.setattr(rotating, "_exchange", write_first)
    assert changed(rotating.rotate()) == {}
    mailbox.refresh_from_db()
    assert mailbox.password == "written"


def test_batches_are_by_key_and_whole(keys, monkeypatch):
    monkeypatch.setattr(rotating, "BATCH_ROWS", 2)
    MailboxFactory.create_batch(5)
    keys.ENCRYPTION_KEYS = ["new", "old"]
    assert changed(rotating.rotate()) == {"incoming_email.Mailbox.password": 5}


def test_what_no_key_fits_is_named_and_left(keys):
    lost = MailboxFactory()
    before = stored("incoming_email_mailbox", "password")
    secret_files.write_text(9, "password: filed")
    keys.ENCRYPTION_KEYS = ["new", "another"]
    status, output, error = run(COMMAND)
    assert status == 1
    assert "No key can decrypt these 2 values." in error
    assert (
        "incoming_email.Mailbox.password: 0 current, 0 changed, 1 unreadable\n"
        f"  {lost.pk}\n" in output
    )
    assert "encrypted files: 0 current, 0 changed, 1 unreadable\n  mailbox-9.yaml.enc\n" in output
    assert stored("incoming_email_mailbox", "password") == before


def test_command_says_what_comes_next(keys):
    MailboxFactory(password="imap-secret")
    assert "There is one key" in run(COMMAND)[1]
    keys.ENCRYPTION_KEYS = ["new", "old"]
    before = stored("incoming_email_mailbox", "password")
    status, output, _ = run(COMMAND, "--dry-run")
    assert (status, "Nothing was changed." in output) == (0, True)
    assert stored("incoming_email_mailbox", "password") == before
    status, output, _ = run(COMMAND)
    assert (status, "the other keys can be removed" in output) == (0, True)
    assert "incoming_email.Mailbox.password: 0 current, 1 changed, 0 unreadable\n" in output
    assert "imap-secret" not in output
