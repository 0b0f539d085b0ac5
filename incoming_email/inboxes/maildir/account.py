"""Frozen settings of a Maildir."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from incoming_email.inboxes.folders import make_key
from incoming_email.inboxes.settings import MailboxSettings


@dataclass(frozen=True, slots=True)
class MaildirFolder:
    path: str
    delete_after_delivery: bool = True
    starts_at: datetime | None = None
    max_message_bytes: int = 50_000_000
    batch_count: int = 50
    batch_bytes: int = 8_000_000

    @property
    def folder_key(self) -> str:
        return make_key("maildir", self.path.rstrip("/"))

    @classmethod
    def of(cls, settings: MailboxSettings) -> Self:
        return cls(
            path=settings.maildir_path,
            delete_after_delivery=settings.delete_after_delivery,
            starts_at=settings.starts_at,
            max_message_bytes=settings.installation.max_message_bytes,
        )
