"""Who hears of what happened, and the mail that tells them."""

from issues.notifications.composing import Story, find_told_notes
from issues.notifications.fanning_out import fan_out, fan_out_owed
from issues.notifications.routes import ReplyRoute

__all__ = ["ReplyRoute", "Story", "fan_out", "fan_out_owed", "find_told_notes"]
