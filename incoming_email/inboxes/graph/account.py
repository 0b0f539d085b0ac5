"""Frozen settings of a connection to Microsoft Graph. The secret never shows in a repr."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from incoming_email.inboxes.folders import make_key, normalise
from incoming_email.inboxes.settings import MailboxSettings


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
    local_networks: bool = True
    timeout: float = 30.0
    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000
    other_mailbox: str = field(default="", compare=False)
    """One that the app must not be able to read. Only the check asks; reading does not change."""

    @property
    def folder_key(self) -> str:
        return make_key("graph", self.user.lower(), normalise(self.folder))

    @classmethod
    def of(cls, settings: MailboxSettings) -> Self:
        return cls(
            user=settings.user,
            tenant_id=settings.tenant_id,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            azure_ad_endpoint=settings.azure_ad_endpoint.rstrip("/"),
            graph_endpoint=settings.graph_endpoint.rstrip("/"),
            folder=settings.folder,
            delete_after_delivery=settings.delete_after_delivery,
            poll_interval=settings.poll_interval,
            starts_at=settings.starts_at,
            ca_file=settings.installation.https_ca_file,
            local_networks=settings.installation.local_networks,
            max_message_bytes=settings.installation.max_message_bytes,
            other_mailbox=settings.other_mailbox,
        )
