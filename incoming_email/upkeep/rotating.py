"""A change of the encryption key: everything stored under an older key goes over to the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction
from django.db.models import TextField, Value
from django.db.models.functions import Cast

from incoming_email.models import SenderToken
from incoming_email.secrets import credentials, secret_files
from incoming_email.secrets.credentials import EncryptedTextField, UndecryptableError
from incoming_email.secrets.second_factors import ENCRYPTED

BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Rotated:
    """The result for one encrypted column, or for the encrypted files."""

    name: str
    """Such as `incoming_email.Mailbox.password`."""

    current: int = 0
    """Under the first key already."""

    changed: int = 0
    unreadable: tuple[str, ...] = ()
    """Rows or files that no key fits."""


def rotate(*, dry_run: bool = False) -> Iterator[Rotated]:
    """Encrypt again what is not under the first key.

    Each value is replaced by itself and only if it is still the one that was read, so workers may
    go on. If interrupted, the next run goes on with the rest.
    """
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield _rotate_column(model, field.attname, dry_run=dry_run)
    yield _rotate_second_factors(dry_run=dry_run)
    yield _rotate_files(dry_run=dry_run)


def _rotate_column(model: type[models.Model], name: str, *, dry_run: bool) -> Rotated:
    current, changed, unreadable = 0, 0, []
    for pk, stored in _read_column(model, name):
        try:
            plain = credentials.decrypt(stored)
        except UndecryptableError:
            unreadable.append(str(pk))
            continue
        if credentials.is_current(stored):
            current += 1
        elif dry_run or _exchange(model, name, pk, stored=stored, plain=plain):
            changed += 1
    return Rotated(f"{model._meta.label}.{name}", current, changed, tuple(unreadable))


def _read_column(model: type[models.Model], name: str) -> Iterator[tuple[int, str]]:
    """As it is stored, in batches by primary key; without what is empty."""
    rows = _as_stored(model, name).exclude(stored="").order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last).values_list("pk", "stored")[:BATCH_ROWS]):
        yield from batch
        last = batch[-1][0]


def _as_stored(model: type[models.Model], name: str) -> "models.QuerySet[Any]":
    return model._default_manager.annotate(stored=Cast(name, TextField()))


def _exchange(model: type[models.Model], name: str, pk: int, *, stored: str, plain: str) -> bool:
    """False where somebody else has written it since: under the first key then.

    The token of a private address is looked up by a digest that depends on the key as well.
    """
    changes: dict[str, Any] = {
        name: Value(credentials.encrypt(plain), output_field=TextField()),
        **({"digest": credentials.digest(plain)} if model is SenderToken else {}),
    }
    return bool(_as_stored(model, name).filter(pk=pk, stored=stored).update(**changes))


def _rotate_second_factors(*, dry_run: bool) -> Rotated:
    """Locked one by one, since whoever uses a recovery code writes the row as well."""
    current, changed, unreadable = 0, 0, []
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            stored = {name: row.data[name] for name in ENCRYPTED if name in row.data} if row else {}
            try:
                plain = {name: credentials.decrypt(value) for name, value in stored.items()}
            except UndecryptableError:
                unreadable.append(str(pk))
                continue
            if all(map(credentials.is_current, stored.values())):
                current += bool(stored)
                continue
            changed += 1
            if row and not dry_run:
                row.data |= {name: credentials.encrypt(value) for name, value in plain.items()}
                row.save(update_fields=["data"])
    return Rotated(Authenticator._meta.label, current, changed, tuple(unreadable))


def _rotate_files(*, dry_run: bool) -> Rotated:
    current, changed, unreadable = 0, 0, []
    for path in secret_files.find_files():
        try:
            stored = secret_files.read_stored(path) or ""
            plain = credentials.decrypt(stored)
        except (UndecryptableError, secret_files.UnreadableFileError):
            unreadable.append(path.name)
            continue
        if credentials.is_current(stored):
            current += 1
        elif dry_run or _exchange_file(path, stored=stored, plain=plain):
            changed += 1
    return Rotated("encrypted files", current, changed, tuple(unreadable))


def _exchange_file(path: Path, *, stored: str, plain: str) -> bool:
    if secret_files.read_stored(path) != stored:  # written by a person in between
        return False
    secret_files.replace_stored(path, credentials.encrypt(plain))
    return True
