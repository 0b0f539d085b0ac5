"""Mail to the unsubscribe address of a notification ends the subscription."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues import services
from issues.models import Issue


class UnsubscribeHandler:
    """The key alone decides: unsubscribing must work from every address that mail went on to."""

    name: ClassVar[str] = "unsubscribe"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})-unsubscribe")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h-unsubscribe"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = True
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = False

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        """Expired and revoked keys still unsubscribe: nothing can be written by it."""
        reply_key = context.reply_keys.get(key["reply_key"])
        if reply_key is None or reply_key.recipient is None:
            return None
        item = reply_key.item
        return Target(
            project=item.project,
            author=reply_key.recipient,
            item=item,
            author_is_member=getattr(reply_key, "is_members", None),
        )

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        if target.item is None or target.author is None:
            raise Rejected(Reason.NOT_FOUND)
        services.unsubscribe(user=target.author, item=target.item)
        kind = "issue" if isinstance(target.item, Issue) else "merge request"
        return Outcome(f"unsubscribe from {kind} {target.item}")
