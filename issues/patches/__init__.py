"""Patches as text: subjects, mails of a file, whether a patch is whole. Pure."""

from issues.patches.checking import PatchSummary, has_diff, summarize
from issues.patches.mending import mend
from issues.patches.splitting import (
    find_separator,
    find_tag,
    has_mail_header,
    split_mailbox,
    to_mailbox,
)
from issues.patches.subjects import PatchTag, parse_subject

__all__ = [
    "PatchSummary",
    "PatchTag",
    "find_separator",
    "find_tag",
    "has_diff",
    "has_mail_header",
    "mend",
    "parse_subject",
    "split_mailbox",
    "summarize",
    "to_mailbox",
]
