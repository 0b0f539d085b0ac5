"""Mail to a person's private address of a project opens an issue in their name."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.handlers.project_keys import PREFIX, find_target
from incoming_email.handlers.texts import acting_for, new_files, outcome_of
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues import quick_actions
from issues.marked_text import MarkedText


class IssueHandler:
    name: ClassVar[str] = "issue"
    pattern: ClassVar[re.Pattern[str]] = re.compile(f"{PREFIX}-issue")
    example: ClassVar[str] = "acme-shop-20-05k9t3m1q7z2w8x4c6v0b5n1h-issue"
    sender_policy: ClassVar[str] = "token_sender_policy"
    project_switch: ClassVar[str] = "issues_by_mail"
    secret_key: ClassVar[bool] = False
    refused_at_rcpt: ClassVar[bool] = False
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        return find_target(key)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        if target.author is None:
            raise Rejected(Reason.NOT_FOUND)
        others = email.others_in_text
        with acting_for(target.author):
            written = quick_actions.open_issue(
                project=target.project,
                author=target.author,
                title=email.subject,
                description=MarkedText(email.text, others.numbers, others.below, others.doubtful),
                now=context.now,
                files=new_files(email, context.inbound_email_id),
            )
        return outcome_of(written, opened=True)
