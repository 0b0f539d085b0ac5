"""The encrypted file of a mailbox: user and password outside of the database and of forms."""

import contextlib
import logging
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from incoming_email.secrets.credentials import UndecryptableError, decrypt, encrypt

logger = logging.getLogger(__name__)
KNOWN_KEYS = ("user", "password")
MAX_FILE_BYTES = 65_536
SUFFIX = ".yaml.enc"


class InvalidSecrets(ValueError):
    """The text is no list of user and password; the message is a sentence with the reason."""


class UnreadableFileError(Exception):
    """The file exists and can't be read. `detail` is the cause, `remedy` what to do."""

    def __init__(self, detail: str, *, remedy: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Secrets:
    """The content of a file; fields are empty where they are not set."""

    user: str = ""
    password: str = field(default="", repr=False)
    is_unreadable: bool = False
    """The file exists, but its content is not known."""


def path_of(mailbox_id: int) -> Path:
    """Named by the row's number, so that a rename of the mailbox keeps it."""
    return Path(settings.SECRETS_DIR) / f"mailbox-{mailbox_id}{SUFFIX}"


def find_secrets(mailbox_id: int | None) -> Secrets:
    """What the file of the mailbox holds. Never raises: nothing else must stop for one file."""
    if mailbox_id is None:
        return Secrets()
    try:
        text = read_text(mailbox_id)
        return Secrets() if text is None else parse_secrets(text)
    except (UnreadableFileError, InvalidSecrets):
        return Secrets(is_unreadable=True)


def read_text(mailbox_id: int) -> str | None:
    """The file in plain text, or None where there is none. Raises UnreadableFileError."""
    stored = read_stored(path_of(mailbox_id))
    if stored is None:
        return None
    try:
        return decrypt(stored)
    except UndecryptableError:
        raise UnreadableFileError(
            _("no key of ENCRYPTION_KEYS can decrypt the encrypted file"),
            remedy=_("Add the old key again, after the new one, or write the file again."),
        ) from None


def read_stored(path: Path) -> str | None:
    """The file as stored on the disk, or None where there is none. Raises UnreadableFileError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES * 2).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableFileError(
            _("the encrypted file can't be opened: %(cause)s") % {"cause": error.strerror},
            remedy=_("Give it to the user that Letterbox runs as, with mode 0600."),
        ) from error


def parse_secrets(text: str) -> Secrets:
    """Read it; every value is text as written, so that 0123 or no is a password.

    Raises InvalidSecrets, whose sentences never quote the text, as it is secret.
    """
    values = _read_yaml(text)
    unknown = [str(key) for key in values if key not in KNOWN_KEYS]
    if unknown:
        raise InvalidSecrets(
            _("It may have the keys user and password only, not: %(keys)s.")
            % {"keys": ", ".join(key[:40] for key in unknown)}
        )
    for key, value in values.items():
        if not isinstance(value, str):
            raise InvalidSecrets(
                _("The value of %(key)s must be one text; put it in quotes.") % {"key": key}
            )
    return Secrets(values.get("user", ""), values.get("password", ""))


def _read_yaml(text: str) -> dict[str, str]:
    if len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        raise InvalidSecrets(_("It is too long: it may have two lines, user and password."))
    try:
        values = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (BaseLoader makes texts only)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InvalidSecrets(
            _("Line %(line)d is not valid YAML. Put user and password in quotes.") % {"line": line}
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise InvalidSecrets(_("It is not valid YAML. Put user and password in quotes.")) from None
    if not isinstance(values, dict) or not any(values.values()):
        raise InvalidSecrets(_("It is empty. Write lines such as: password: 'secret'."))
    return values


def write_text(mailbox_id: int, text: str) -> Path:
    """Encrypt and store it, whole or not at all. Raises InvalidSecrets, and then writes nothing."""
    parse_secrets(text)
    path = path_of(mailbox_id)
    replace_stored(path, encrypt(text))
    return path


def forget(*, instance: Model, **_signal: Any) -> None:
    """A mailbox was deleted: its file goes once that commits. Connected to Django's post_delete,
    since the admin deletes many by ways that no method sees."""
    path = path_of(instance.pk)

    def remove() -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("secrets not removed file=%s error=%s", path.name, error.strerror)

    transaction.on_commit(remove)


def replace_stored(path: Path, stored: str) -> None:
    """Replace the file by an encrypted text with a rename, mode 0600."""
    ensure_folder(path.parent)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{stored}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise


def ensure_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def find_files() -> list[Path]:
    """Every encrypted file that is kept, also of mailboxes that are gone."""
    return sorted(Path(settings.SECRETS_DIR).glob(f"mailbox-*{SUFFIX}"))
