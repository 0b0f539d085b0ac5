"""A reply to a notification becomes a note in the same discussion."""

import re
from typing import ClassVar

from incoming_email import patch_mails
from incoming_email.handlers.base import Context, Target
from incoming_email.handlers.copied import let_copied_in
from incoming_email.handlers.texts import acting_for, new_files, outcome_of, write_reply
from incoming_email.keys.reply_keys import find_retired
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from incoming_email.patch_mails import MailedPatches
from issues.models import MergeRequest
from issues.quick_actions import Answered


class NoteHandler:
    name: ClassVar[str] = "note"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h"
    sender_policy: ClassVar[str] = "reply_sender_policy"
    project_switch: ClassVar[str] = "replies_by_mail"
    secret_key: ClassVar[bool] = True
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = True
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        reply_key = context.reply_keys.get(key["reply_key"])
        if reply_key is None:
            return _find_deleted(key["reply_key"])
        if reply_key.recipient is None:
            return None
        refusal = None if reply_key.is_valid(context.now) else Reason.KEY_EXPIRED
        if not reply_key.recipient.is_active:
            refusal = Reason.BLOCKED
        item = reply_key.item
        return Target(
            project=item.project,
            author=reply_key.recipient,
            item=item,
            discussion=reply_key.discussion,
            author_is_member=getattr(reply_key, "is_members", None),
            takes_time=isinstance(item, MergeRequest),
            refusal=refusal,
        )

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        if target.item is None or target.author is None:
            raise Rejected(Reason.NOT_FOUND)
        if isinstance(target.item, MergeRequest):
            mailed = patch_mails.read_patches(email, is_reply=True)
            if mailed.mails and target.author.has_perm("issues.open_merge_request", target.project):
                return _add_version(email, mailed, target, context)
        written = write_reply(
            email, target.item, target.author, discussion=target.discussion, context=context
        )
        with acting_for(target.author):
            written = let_copied_in(email, written, target.author, context)
        return outcome_of(written)


def _find_deleted(key: str) -> Target | None:
    """Of a participant too, whose ticket is no longer known as one."""
    retired = find_retired(key)
    if retired is None:
        return None
    return Target(
        project=retired.project,
        author=retired.recipient,
        external_author=retired.external_email,
        refusal=Reason.DELETED,
    )


def _add_version(
    email: ParsedEmail, mailed: MailedPatches, target: Target, context: Context
) -> Outcome:
    """Patches in a reply change the merge request, and the words around them are a note."""
    merge_request, author = target.item, target.author
    assert isinstance(merge_request, MergeRequest)  # noqa: S101  (asked by the caller)
    assert author is not None  # noqa: S101
    files = new_files(email, context.inbound_email_id, quoted_is_cut=True)
    with acting_for(author):
        written = patch_mails.update(
            merge_request=merge_request,
            author=author,
            texts=mailed.texts(email, files, Answered(merge_request, target.discussion)),
            patches=mailed.as_set(context.source, context.received),
        )
    return outcome_of(written, opened=True)
