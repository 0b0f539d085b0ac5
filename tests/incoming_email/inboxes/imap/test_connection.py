"""Folder names as people type them, and faults in words."""

import imaplib
import ssl

import pytest
from imapclient.exceptions import LoginError

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.imap.account import ImapAccount, folder_digest
from incoming_email.inboxes.imap.connection import find_folder
from incoming_email.inboxes.imap.faults import find_message, find_remedy, inbox_errors

LISTED = [(b"/", "INBOX"), (b"/", "INBOX/Support"), (b".", "Team.Entwürfe"), (None, "Flat.name")]
ACCOUNT = ImapAccount("mail.example.com", user="user", password="hunter2")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("INBOX/Support", "INBOX/Support"),
        ("inbox/support", "INBOX/Support"),
        ("INBOX.Support", "INBOX/Support"),
        ("Team/Entwürfe", "Team.Entwürfe"),
        ("Team.Entwu\u0308rfe", "Team.Entwürfe"),
        ("Team.Entw&APw-rfe", "Team.Entwürfe"),
        ("Team/Entw&APw-rfe", "Team.Entwürfe"),
        ("flat.name", "Flat.name"),
        ("Support", None),
        ("Entw&APw", None),
        ("&", None),
        ("", None),
    ],
)
def test_a_folder_is_found_however_it_is_spelt(wanted: str, found: str | None) -> None:
    assert find_folder(wanted, LISTED) == found


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (imaplib.IMAP4.error(b"[AUTHENTICATIONFAILED] no"), "[AUTHENTICATIONFAILED] no"),
        (LoginError("b'[AUTHENTICATIONFAILED] no'"), "[AUTHENTICATIONFAILED] no"),
        (imaplib.IMAP4.error("STORE command error: BAD [b'no']"), "STORE command error: BAD no"),
        (TimeoutError("timed out"), "no answer in time (timed out)"),
        (TimeoutError(), "no answer in time"),
        (MemoryError(), "MemoryError"),
        (ValueError("x" * 900), "x" * 500),
    ],
)
def test_the_servers_words_are_shown_without_pythons(error: Exception, words: str) -> None:
    assert find_message(error) == words


def test_a_password_that_cannot_be_encoded_is_not_shown() -> None:
    with pytest.raises(InboxError) as caught, inbox_errors(ACCOUNT):
        "hunter2ü".encode("ascii")
    assert caught.value.detail == "a name holds characters that this server can't be sent"
    assert caught.value.__cause__ is None


def test_a_broken_connection_at_the_login_does_not_blame_the_password() -> None:
    error = LoginError("socket error: EOF")
    error.__context__ = imaplib.IMAP4.abort("socket error: EOF")
    assert find_remedy(error, ACCOUNT) == "The connection broke; it is tried again."


def test_our_own_mistakes_fly() -> None:
    with pytest.raises(ZeroDivisionError), inbox_errors(ACCOUNT):
        _ = 1 // 0


def test_an_expired_certificate_has_its_own_remedy() -> None:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    assert find_message(error) == "the certificate is refused: certificate has expired"
    assert find_remedy(error, ACCOUNT) == "Renew the certificate on the mail server."


def test_the_inbox_has_one_digest_in_any_case() -> None:
    upper, lower = ImapAccount("h", folder="INBOX"), ImapAccount("h", folder="inbox")
    assert folder_digest(upper) == folder_digest(lower)
    assert folder_digest(lower) != folder_digest(ImapAccount("h", folder="Other"))
    assert len(folder_digest(lower)) == 8
