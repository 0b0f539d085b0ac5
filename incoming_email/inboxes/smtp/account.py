"""Where our own listener is reached. It is the same for all mailboxes of this method."""

from dataclasses import dataclass
from typing import Self

from incoming_email.inboxes.settings import MailboxSettings


@dataclass(frozen=True, slots=True)
class Listener:
    host: str
    port: int
    lmtp_port: int
    host_name: str = "localhost"
    """How we name ourselves to it."""

    is_alive: bool = False
    """Whether one was seen alive lately, on this machine or another one."""

    @classmethod
    def of(cls, settings: MailboxSettings) -> Self:
        here = settings.installation
        return cls(
            host=here.listener_host,
            port=here.listener_port,
            lmtp_port=here.lmtp_port,
            host_name=here.host_name,
            is_alive=here.is_listener_alive(),
        )
