"""Secrets at rest: encrypted model fields, and keyed digests to look tokens up by."""

import base64
import hashlib
import hmac
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class UndecryptableError(Exception):
    """A stored secret fits none of ENCRYPTION_KEYS: a key was lost or removed too early."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(k.encode()).digest())) for k in keys]
    )


def encrypt(plain: str) -> str:
    """Encrypt with the first of ENCRYPTION_KEYS."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(plain.encode()).decode()


def decrypt(stored: str) -> str:
    """Decrypt with whichever of ENCRYPTION_KEYS fits; raise UndecryptableError if none does."""
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise UndecryptableError("no key of ENCRYPTION_KEYS fits this secret") from None


def is_current(stored: str) -> bool:
    """Whether it is encrypted with the first of ENCRYPTION_KEYS."""
    try:
        _cipher((settings.ENCRYPTION_KEYS[0],)).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def digest(plain: str, key: str | None = None) -> str:
    """Keyed digest, under the first key where none is given: for storing."""
    key = settings.ENCRYPTION_KEYS[0] if key is None else key
    return hmac.digest(b"letterbox digest " + key.encode(), plain.encode(), "sha256").hex()


def digests(plain: str) -> list[str]:
    """Keyed digests under every key, the first key's first: look-ups outlive a rotation."""
    return [digest(plain, key) for key in settings.ENCRYPTION_KEYS]


class UnreadableSecret(str):
    """A secret that no key fits: reads as empty, and is written back as it was stored."""

    __slots__ = ("stored",)
    stored: str

    def __new__(cls, stored: str) -> Self:
        secret = super().__new__(cls, "")
        secret.stored = stored
        return secret


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """Text that is encrypted in the database and plain in Python; empty stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, UnreadableSecret):
            return value.stored
        plain = super().get_prep_value(value)
        return encrypt(plain) if plain else plain

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        if not value:
            return value
        try:
            return decrypt(value)
        except UndecryptableError:
            return UnreadableSecret(value)  # one lost key must not hide every other row
