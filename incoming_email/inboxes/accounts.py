"""Frozen settings of a connection to an inbox. Secrets never show in a repr."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


def _forget(_rotated: str) -> None:
    """Default of `keep`: discards the token."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """Where an access token comes from: a token endpoint (RFC 6749), or a program."""

    token_endpoint: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    """Empty: the client asks in its own name (client credentials, RFC 6749 section 4.4)."""

    rotated_token: str = field(default="", repr=False, compare=False)
    """The refresh token that the provider returned instead, as `digest:token`; for this account
    only."""

    keep: Callable[[str], object] = field(default=_forget, repr=False, compare=False)
    """Called at once with a new `rotated_token`: the old one may no longer be valid."""

    scope: str = ""
    command: tuple[str, ...] = ()
    """Program that prints an access token; then nothing else here is used."""

    ca_file: str = ""
    timeout: float = 30.0


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

    timeout: float = 30.0
    """Seconds without an answer after which the server counts as unreachable."""

    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000


@dataclass(frozen=True, slots=True)
class GraphAccount:
    user: str
    """Address, or id, of the mailbox that is read."""

    tenant_id: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    azure_ad_endpoint: str = "https://login.microsoftonline.com"
    graph_endpoint: str = "https://graph.microsoft.com"
    folder: str = "inbox"
    delete_after_delivery: bool = True
    poll_interval: int = 60
    starts_at: datetime | None = None
    ca_file: str = ""
    timeout: float = 30.0
    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000


@dataclass(frozen=True, slots=True)
class MaildirFolder:
    path: str
    delete_after_delivery: bool = True
    starts_at: datetime | None = None
    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000


Account = ImapAccount | GraphAccount | MaildirFolder
