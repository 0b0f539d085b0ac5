"""Mails that bring patches: what they hold, series over several mails, and what is made of them."""

from incoming_email.patch_mails.changing import awaits_cover, find_changed
from incoming_email.patch_mails.proposing import Texts, find_merge_request, propose, update
from incoming_email.patch_mails.reading import MailedPatches, read_patches, thread_of
from incoming_email.patch_mails.series import (
    Series,
    drop_series,
    find_expired,
    find_series,
    find_waiting,
    is_part,
    note_reported,
    open_series,
    take_part,
)

__all__ = [
    "MailedPatches",
    "Series",
    "Texts",
    "awaits_cover",
    "drop_series",
    "find_changed",
    "find_expired",
    "find_merge_request",
    "find_series",
    "find_waiting",
    "is_part",
    "note_reported",
    "open_series",
    "propose",
    "read_patches",
    "take_part",
    "thread_of",
    "update",
]
