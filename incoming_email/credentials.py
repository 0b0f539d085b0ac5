"""The name that landed migrations import the encrypted field by."""

from incoming_email.secrets.credentials import EncryptedTextField

__all__ = ["EncryptedTextField"]
