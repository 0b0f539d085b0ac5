"""Mail to a person's private address of an issue becomes a note in their name."""

import re
from dataclasses import replace
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.handlers.project_keys import PREFIX, find_target
from incoming_email.handlers.texts import acting_for, new_files, outcome_of
from incoming_email.keys.answered import find_answered
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues import former, quick_actions
from issues.marked_text import MarkedText


class IssueNoteHandler:
    name: ClassVar[str] = "issue_note"
    pattern: ClassVar[re.Pattern[str]] = re.compile(PREFIX + r"-issue-(?P<iid>[1-9][0-9]{0,8})")
    example: ClassVar[str] = "acme-shop-20-05k9t3m1q7z2w8x4c6v0b5n1h-issue-34"
    sender_policy: ClassVar[str] = "token_sender_policy"
    project_switch: ClassVar[str] = "comments_by_mail"
    secret_key: ClassVar[bool] = False
    refused_at_rcpt: ClassVar[bool] = False
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = True
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """Also of one that was moved to another project since, or merged into another one."""
        target = find_target(key)
        if target is None or target.refusal is not None:
            return target
        found = former.find_issue_of(target.project, int(key["iid"]))
        issue = found.current if found else None
        author = target.author
        if issue is None or author is None or not author.has_perm("issues.read_item", issue):
            return replace(target, refusal=Reason.NOT_FOUND)
        return replace(target, item=issue, project=issue.project)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Quotes stay: what is sent on to an issue is meant for it. An answer to one of our mails
        about it stands where that one stands, so that it has the same readers."""
        files = new_files(email, context.inbound_email_id)
        if target.item is None or target.author is None:
            raise Rejected(Reason.NOT_FOUND)
        if not (email.text.strip() or files):
            raise Rejected(Reason.EMPTY)
        answered = find_answered(email.answered_ids, author=target.author)
        others = email.others_in_text
        with acting_for(target.author):
            written = quick_actions.write_note(
                item=target.item,
                author=target.author,
                body=MarkedText(email.text, others.numbers, others.below, others.doubtful),
                now=context.now,
                discussion=answered.on(target.item) if answered else "",
                by_mail=True,
                files=files,
            )
        return outcome_of(written)
