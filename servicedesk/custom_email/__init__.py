"""A desk's own address: set up, verified by a mail that comes back, written from, recognised."""

from servicedesk.custom_email.addressing import Sender, find_sender
from servicedesk.custom_email.checking import take_back
from servicedesk.custom_email.failing import find_outage, watch_servers
from servicedesk.custom_email.setting_up import (
    Server,
    disable,
    enable,
    find_current,
    retire,
    set_up,
)
from servicedesk.custom_email.verifying import give_up_awaited, start_verification

__all__ = [
    "Sender",
    "Server",
    "disable",
    "enable",
    "find_current",
    "find_outage",
    "find_sender",
    "give_up_awaited",
    "retire",
    "set_up",
    "start_verification",
    "take_back",
    "watch_servers",
]
