"""Frozen settings of an IMAP connection. Secrets never show in a repr."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from incoming_email.inboxes.folders import digest, make_key, normalise
from incoming_email.inboxes.oauth_client import OAuthClient
from incoming_email.inboxes.settings import MailboxSettings

XOAUTH2 = "xoauth2"
"""The log-in method by an access token; every other one is by password."""


@dataclass(frozen=True, slots=True)
class ImapAccount:
    host: str
    port: int = 143
    user: str = ""
    password: str = field(default="", repr=False)
    ssl: bool = False
    start_tls: bool = False
    folder: str = "inbox"
    delete_after_delivery: bool = True
    expunge_deleted: bool = False
    oauth: OAuthClient | None = None
    """XOAUTH2 instead of the password."""

    starts_at: datetime | None = None
    """Older mail is left alone, judged by the time when the server got it."""

    idle_timeout: int = 60
    """Seconds one IDLE lasts before it is renewed (RFC 2177: below 29 minutes)."""

    ca_file: str = ""
    """PEM file of certificate authorities to trust; empty means those of the system."""

    local_networks: bool = True
    timeout: float = 30.0
    """Seconds without an answer after which the server counts as unreachable."""

    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000

    @property
    def folder_key(self) -> str:
        return make_key("imap", self.host.lower(), self.user, normalise(self.folder))

    @classmethod
    def of(cls, settings: MailboxSettings) -> Self:
        return cls(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password,
            ssl=settings.ssl,
            start_tls=settings.start_tls,
            folder=settings.folder,
            delete_after_delivery=settings.delete_after_delivery,
            expunge_deleted=settings.expunge_deleted,
            idle_timeout=settings.idle_timeout,
            oauth=_make_client(settings),
            starts_at=settings.starts_at,
            ca_file=settings.installation.imap_ca_file,
            local_networks=settings.installation.local_networks,
            max_message_bytes=settings.installation.max_message_bytes,
        )


def _make_client(settings: MailboxSettings) -> OAuthClient | None:
    if settings.login_method != XOAUTH2:
        return None
    return OAuthClient(
        token_endpoint=settings.token_endpoint,
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        refresh_token=settings.refresh_token,
        rotated_token=settings.rotated_token,
        keep=settings.keep,
        scope=settings.token_scope,
        command=settings.token_command,
        ca_file=settings.installation.https_ca_file,
        local_networks=settings.installation.local_networks,
    )


def folder_digest(account: ImapAccount) -> str:
    """Eight hex digits that begin the ids of the folder's messages."""
    names = (account.host, str(account.port), account.user, normalise(account.folder))
    return digest(*names)[:8]
