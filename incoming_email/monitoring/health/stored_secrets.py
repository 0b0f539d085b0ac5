"""Whether the credentials of a mailbox exist and can be read. No secret is shown."""

from django.utils.translation import gettext as _

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.inboxes.methods import Secret
from incoming_email.models import Mailbox
from incoming_email.secrets import secret_files
from incoming_email.secrets.credentials import UnreadableSecret

STEP = "secret"


def find_encrypted_file(mailbox: Mailbox) -> Finding:
    """Whether it can be read; skipped where there is none."""
    step = "encrypted file"
    if not mailbox.pk:
        return Finding(step, Answer.SKIPPED, _("the mailbox is not saved yet"))
    try:
        text = secret_files.read_text(mailbox.pk)
        kept = None if text is None else secret_files.parse_secrets(text)
    except secret_files.UnreadableFileError as fault:
        return Finding(step, Answer.NO, fault.detail, fault.remedy)
    except secret_files.InvalidSecrets as fault:
        remedy = _("Correct it: python manage.py incoming_email_secret edit --mailbox “%(name)s”.")
        return Finding(step, Answer.NO, str(fault), remedy % {"name": mailbox.name})
    if kept is None:
        return Finding(step, Answer.SKIPPED, _("there is none; the row's values count"))
    held = [name for name in secret_files.KNOWN_KEYS if getattr(kept, name)]
    return Finding(step, Answer.YES, _("it holds: %(keys)s") % {"keys": ", ".join(held)})


def find_secret(mailbox: Mailbox, secret: Secret) -> Finding:
    """Whether there is one, and one of our keys fits it."""
    if secret.is_by_command:
        return Finding(STEP, Answer.YES, _("from the command of IMAP_TOKEN_COMMANDS"))
    if "password" in secret.columns:
        kept = secret_files.find_secrets(mailbox.pk)
        if kept.is_unreadable:
            return Finding(STEP, Answer.SKIPPED, _("the encrypted file can't be read"))
        if kept.password:
            return Finding(STEP, Answer.YES, _("from the encrypted file"))
    stored = (getattr(mailbox, column) for column in secret.columns)
    first = next((each for each in stored if each or isinstance(each, UnreadableSecret)), "")
    return _find_in_row(first, _(secret.missing))


def _find_in_row(stored: str, missing: str) -> Finding:
    if isinstance(stored, UnreadableSecret):
        detail = _("no key of ENCRYPTION_KEYS can decrypt the stored secret")
        remedy = _("Add the old key again, after the new one, or enter the secret again.")
        return Finding(STEP, Answer.NO, detail, remedy)
    if not stored:
        return Finding(STEP, Answer.NO, missing, _("Enter it in the admin."))
    return Finding(STEP, Answer.YES)
