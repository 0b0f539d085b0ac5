"""Secrets at rest: unreadable without the key, readable through a rotation, kept by a save."""

import pytest
from django.db import connection

from incoming_email.models import Mailbox
from incoming_email.secrets import credentials
from tests.incoming_email.factories import MailboxFactory


def test_what_is_encrypted_is_decrypted_and_never_the_same_twice():
    first, second = credentials.encrypt("päss"), credentials.encrypt("päss")
    assert first != second
    assert "päss" not in first
    assert credentials.decrypt(first) == credentials.decrypt(second) == "päss"


def test_the_first_key_encrypts_and_every_key_decrypts(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    stored = credentials.encrypt("secret")
    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert credentials.decrypt(stored) == "secret"
    settings.ENCRYPTION_KEYS = ["new"]
    with pytest.raises(credentials.UndecryptableError):
        credentials.decrypt(stored)


@pytest.mark.parametrize("stored", ["", "not a token", "gAAAAA"])
def test_what_was_never_encrypted_is_undecryptable(stored):
    with pytest.raises(credentials.UndecryptableError):
        credentials.decrypt(stored)


def test_digests_depend_on_the_key_and_the_first_is_stored(settings):
    settings.ENCRYPTION_KEYS = ["old"]
    old = credentials.digest("token")
    settings.ENCRYPTION_KEYS = ["new", "old"]
    assert credentials.digests("token") == [credentials.digest("token"), old]
    assert credentials.digest("token") != old
    assert credentials.digest("token") != credentials.digest("Token")


def stored_password():
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM incoming_email_mailbox")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_a_field_is_encrypted_in_the_database_only():
    MailboxFactory(password="imap-secret")
    assert "imap-secret" not in stored_password()
    assert Mailbox.objects.get().password == "imap-secret"


@pytest.mark.django_db
def test_empty_stays_empty():
    MailboxFactory(password="")
    assert (stored_password(), Mailbox.objects.get().password) == ("", "")


@pytest.mark.django_db
def test_an_unreadable_secret_is_written_back_as_it_was(settings):
    MailboxFactory(password="imap-secret")
    stored, keys = stored_password(), settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["another"]
    mailbox = Mailbox.objects.get()
    assert mailbox.password == ""
    mailbox.save()
    assert stored_password() == stored
    settings.ENCRYPTION_KEYS = keys
    assert Mailbox.objects.get().password == "imap-secret"
