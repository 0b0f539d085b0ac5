"""Who is notified of an event, and by which mail."""

from issues.notifications.composing import Story, find_told_issues, find_told_notes
from issues.notifications.fanning_out import fan_out, fan_out_owed
from issues.notifications.routes import REPLY_ROUTES, ReplyRoute
from issues.notifications.sources import MAIL_SOURCES

__all__ = [
    "MAIL_SOURCES",
    "REPLY_ROUTES",
    "ReplyRoute",
    "Story",
    "fan_out",
    "fan_out_owed",
    "find_told_issues",
    "find_told_notes",
]
