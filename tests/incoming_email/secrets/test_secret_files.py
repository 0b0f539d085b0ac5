"""The encrypted file of a mailbox: what it may hold, how it is written, and what it overrides."""

import stat

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from incoming_email.inboxes.base import Answer
from incoming_email.models import InboxMethod, Mailbox
from incoming_email.monitoring.health import mailboxes
from incoming_email.secrets import secret_files
from incoming_email.secrets.secret_files import InvalidSecrets, Secrets, UnreadableFileError
from tests.incoming_email.factories import MailboxFactory

SECRET = "s3cret-of-no-value"


@pytest.fixture(autouse=True)
def secrets_dir(settings, tmp_path):
    settings.SECRETS_DIR = tmp_path / "secrets"
    return settings.SECRETS_DIR


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("user: 'ada'\npassword: 'x: #y'\n", Secrets("ada", "x: #y")),
        ("password: 0123", Secrets("", "0123")),
        ("password: no\nuser: 1.0", Secrets("1.0", "no")),
        ("# a comment\npassword: päss", Secrets("", "päss")),
        ("password: |\n  a\n  b", Secrets("", "a\nb")),
    ],
)
def test_values_are_texts_as_they_stand(text, secrets):
    assert secret_files.parse_secrets(text) == secrets


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "It is empty."),
        ("# only a comment\n", "It is empty."),
        ("password: ''", "It is empty."),
        ("- password", "It is empty."),
        (f"user: a\npassword: '{SECRET}", "Line 2 is not valid YAML."),
        (f"user: a\npassword: *{SECRET}", "Line 2 is not valid YAML."),
        (f"password: [{SECRET}]", "The value of password must be one text"),
        (f"password: {{a: {SECRET}}}", "The value of password must be one text"),
        ("host: imap.example.com\npassword: a", "not: host."),
        ("? [a]\n: b", "is not valid YAML."),
        ("password: '\x00'", "is not valid YAML."),
        ("[" * 60_000, "is not valid YAML."),
        ("password: " + "a" * 70_000, "It is too long"),
    ],
)
def test_what_is_no_list_of_user_and_password_is_refused(text, sentence):
    with pytest.raises(InvalidSecrets) as caught:
        secret_files.parse_secrets(text)
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)


def test_file_is_private_encrypted_and_read_again(secrets_dir):
    path = secret_files.write_text(7, f"password: {SECRET}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets_dir.stat().st_mode) == 0o700
    assert SECRET.encode() not in path.read_bytes()
    assert secret_files.find_secrets(7) == Secrets("", SECRET)
    assert SECRET not in repr(secret_files.find_secrets(7))


def test_invalid_text_overwrites_nothing(secrets_dir):
    path = secret_files.write_text(7, "password: first")
    before = path.read_bytes()
    with pytest.raises(InvalidSecrets):
        secret_files.write_text(7, "host: second")
    assert path.read_bytes() == before
    assert list(secrets_dir.iterdir()) == [path]


def test_writing_that_fails_leaves_the_old_file_whole(secrets_dir, monkeypatch):
    path = secret_files.write_text(7, "password: first")

    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(secret_files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        secret_files.write_text(7, "password: second")
    assert secret_files.find_secrets(7).password == "first"
    assert list(secrets_dir.iterdir()) == [path]


def test_no_file_says_nothing():
    assert secret_files.read_text(7) is None
    assert secret_files.find_secrets(7) == secret_files.find_secrets(None) == Secrets()


def test_file_of_a_lost_key_is_unreadable(settings):
    secret_files.write_text(7, "password: first")
    settings.ENCRYPTION_KEYS = ["another"]
    assert secret_files.find_secrets(7) == Secrets(is_unreadable=True)
    with pytest.raises(UnreadableFileError) as caught:
        secret_files.read_text(7)
    assert caught.value.detail == "no key of ENCRYPTION_KEYS can decrypt the encrypted file"


def test_file_that_is_a_folder_is_unreadable():
    secret_files.path_of(7).mkdir(parents=True)
    assert secret_files.find_secrets(7).is_unreadable
    with pytest.raises(UnreadableFileError, match="can't be opened: Is a directory"):
        secret_files.read_text(7)


def test_values_of_the_file_go_before_those_of_the_row(db):
    mailbox = MailboxFactory(user="row-user", password="row-secret")
    assert (mailbox.account().user, mailbox.account().password) == (*("row-user", "row-secret"),)
    secret_files.write_text(mailbox.pk, "password: file-secret")
    assert (mailbox.account().user, mailbox.account().password) == ("row-user", "file-secret")
    secret_files.write_text(mailbox.pk, "user: file-user")
    assert (mailbox.account().user, mailbox.account().password) == ("file-user", "row-secret")
    mailbox.inbox_method = InboxMethod.MICROSOFT_GRAPH
    assert mailbox.account().user == "file-user"


def test_an_edit_of_the_file_is_another_account(db):
    """So the watcher, which compares accounts, opens the connection anew."""
    mailbox = MailboxFactory()
    before = mailbox.account()
    secret_files.write_text(mailbox.pk, "password: file-secret")
    assert mailbox.account() != before


def test_the_rows_password_is_not_tried_while_the_file_is_unreadable(db, settings):
    mailbox = MailboxFactory(password="row-secret")
    secret_files.write_text(mailbox.pk, "password: file-secret")
    keys, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, ["another"]
    assert mailbox.account().password == ""
    settings.ENCRYPTION_KEYS = keys
    assert mailbox.account().password == "file-secret"


def test_user_may_be_left_to_the_file(db):
    mailbox = MailboxFactory(user="", password="")
    with pytest.raises(ValidationError) as caught:
        mailbox.full_clean()
    assert set(caught.value.message_dict) == {"user"}
    secret_files.write_text(mailbox.pk, "user: file-user\npassword: file-secret")
    mailbox.full_clean()


def test_user_is_not_asked_for_before_the_mailbox_is_switched_on(db):
    """The file can be written only once the row is there."""
    MailboxFactory.build(user="", enabled=False).full_clean()


def find_step(findings, step):
    (only,) = (each for each in findings if each.step == step)
    return only


def examine(mailbox):
    return mailboxes.examine(mailbox, [mailbox], timeout=1).before


def test_check_skips_the_file_where_there_is_none(db):
    finding = find_step(examine(MailboxFactory()), "encrypted file")
    assert (finding.answer, finding.detail) == (
        Answer.SKIPPED,
        "there is none; the row's values count",
    )
    assert mailboxes.find_encrypted_file(MailboxFactory.build()).answer is Answer.SKIPPED


def test_check_says_what_the_file_holds_and_that_it_is_enough(db):
    mailbox = MailboxFactory(password="")
    secret_files.write_text(mailbox.pk, f"password: {SECRET}")
    findings = examine(mailbox)
    assert find_step(findings, "encrypted file").detail == "it holds: password"
    assert find_step(findings, "secret").answer is Answer.YES
    assert SECRET not in str(findings)


def test_check_says_that_no_key_fits_the_file(db, settings):
    mailbox = MailboxFactory()
    secret_files.write_text(mailbox.pk, f"password: {SECRET}")
    settings.ENCRYPTION_KEYS = ["another"]
    findings = examine(mailbox)
    finding = find_step(findings, "encrypted file")
    assert (finding.answer, finding.remedy) == (
        Answer.NO,
        "Add the old key again, after the new one, or write the file again.",
    )
    assert find_step(findings, "secret").answer is Answer.SKIPPED


def test_check_names_the_command_for_a_file_with_faults(db):
    mailbox = MailboxFactory(name="support")
    secret_files.write_text(mailbox.pk, "password: first")
    text = secret_files.encrypt("host: imap.example.com")
    secret_files.replace_stored(secret_files.path_of(mailbox.pk), text)
    finding = find_step(examine(mailbox), "encrypted file")
    assert finding.answer is Answer.NO
    assert "incoming_email_secret edit --mailbox “support”" in finding.remedy


def test_two_mailboxes_that_share_a_user_by_file_read_the_same_folder(db):
    mine, other = MailboxFactory(user="a"), MailboxFactory(user="b")
    assert mailboxes.find_same_folder(mine, [mine, other])[0].answer is Answer.YES
    secret_files.write_text(other.pk, "user: a")
    assert mailboxes.find_same_folder(mine, [mine, other])[0].answer is Answer.NO


@pytest.mark.django_db(transaction=True)
def test_the_file_goes_with_its_mailbox():
    gone, left = MailboxFactory(), MailboxFactory()
    paths = [secret_files.write_text(row.pk, "password: p") for row in (gone, left)]
    with transaction.atomic():
        Mailbox.objects.filter(pk=gone.pk).delete()
        assert paths[0].exists()
    assert [path.exists() for path in paths] == [False, True]
