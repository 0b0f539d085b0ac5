"""What a mailbox's row and the installation say of a connection: accounts are made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from incoming_email.inboxes.oauth_client import TokenCommand

SECRETS = ("password", "client_secret", "refresh_token")
SERVERS = ("host", "port", "token_endpoint", "azure_ad_endpoint", "graph_endpoint")
"""Columns that say where a secret goes, or a token that was asked for with it."""

ROUTE = (*SERVERS, "ssl", "start_tls")
"""And whether it is read on the way."""


def goes_elsewhere(before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    """Whether another server would get the secrets of a mailbox whose columns change so, or
    somebody on the way could read them."""
    was_sealed, is_sealed = (bool(row["ssl"] or row["start_tls"]) for row in (before, after))
    has_moved = any(before[column] != after[column] for column in SERVERS)
    return has_moved or (was_sealed and not is_sealed)


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is the same for every mailbox."""

    imap_ca_file: str = ""
    https_ca_file: str = ""
    local_networks: bool = True
    """Whether hosts of local networks may be connected to."""

    max_message_bytes: int = 50_000_000
    host_name: str = "localhost"
    """How we name ourselves to a server."""

    listener_host: str = "127.0.0.1"
    listener_port: int = 2525
    lmtp_port: int = 2424
    is_listener_alive: Callable[[], bool] = field(default=never, repr=False, compare=False)
    """Whether an SMTP listener was seen alive lately, on this machine or another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Those of a mailbox's row, by their names."""

    host: str
    port: int
    ssl: bool
    start_tls: bool
    user: str
    """As `password`: of the encrypted file, where that has one."""

    password: str = field(repr=False)
    login_method: str
    token_endpoint: str
    token_scope: str
    refresh_token: str = field(repr=False)
    rotated_token: str = field(repr=False)
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    azure_ad_endpoint: str
    graph_endpoint: str
    other_mailbox: str
    poll_interval: int
    maildir_path: str
    folder: str
    idle_timeout: int
    delete_after_delivery: bool
    expunge_deleted: bool
    starts_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings(Columns):
    """All that an account can be made of."""

    token_command: TokenCommand | None

    keep: Callable[[str], object] = field(repr=False, compare=False)
    """Stores a new `rotated_token`."""

    installation: Installation
