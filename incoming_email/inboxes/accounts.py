"""Frozen settings of a connection to an inbox. Secrets never show in a repr."""

from dataclasses import dataclass, field


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
    idle_timeout: int = 60
    """Seconds one IDLE lasts before it is renewed (RFC 2177: below 29 minutes)."""

    ca_file: str = ""
    """PEM file of certificate authorities to trust; empty means the system's own."""

    timeout: float = 30.0
    """Seconds without an answer after which the server counts as gone."""

    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000
