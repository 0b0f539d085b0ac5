"""Seeds of second factors at rest: encrypted as all our secrets are."""

import base64
import secrets

from allauth.mfa.adapter import DefaultMFAAdapter

from incoming_email.secrets import credentials
from incoming_email.secrets.credentials import UndecryptableError

ENCRYPTED = ("secret", "seed")
"""Of `Authenticator.data`: of an authenticator app, and of recovery codes."""


class SecondFactorAdapter(DefaultMFAAdapter):
    """What allauth.mfa asks the installation."""

    def encrypt(self, text: str) -> str:
        return credentials.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Of one that no key fits no code is right: a random seed stands for it, which nobody can
        work out codes of."""
        try:
            return credentials.decrypt(encrypted_text)
        except UndecryptableError:
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def _get_site_name(self) -> str:
        return "Letterbox"
