"""Frozen settings of a JMAP session. The token never shows in a repr."""

from dataclasses import dataclass, field
from typing import Self

from incoming_email.inboxes.folders import make_key, normalise
from incoming_email.inboxes.settings import MailboxSettings


@dataclass(frozen=True, slots=True)
class JmapAccount:
    host: str
    user: str
    token: str = field(default="", repr=False)
    folder: str = "inbox"

    @property
    def folder_key(self) -> str:
        return make_key("jmap", self.host.lower(), self.user, normalise(self.folder))

    @classmethod
    def of(cls, settings: MailboxSettings) -> Self:
        return cls(
            host=settings.host,
            user=settings.user,
            token=settings.password,
            folder=settings.folder,
        )
