"""Sends mail from Letterbox to itself through a mailbox, follows it, and records how long it
took."""

from incoming_email.monitoring.probes.following import Course, follow, follow_open
from incoming_email.monitoring.probes.history import (
    count_failing,
    find_last,
    find_newest,
    purge_old,
)
from incoming_email.monitoring.probes.sending import find_obstacle, send, send_due
from incoming_email.monitoring.probes.wording import describe_course, describe_stop

__all__ = [
    "Course",
    "count_failing",
    "describe_course",
    "describe_stop",
    "find_last",
    "find_newest",
    "find_obstacle",
    "follow",
    "follow_open",
    "purge_old",
    "send",
    "send_due",
]
