"""A delivery report to the envelope sender of a participant's mail is about that participant."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from servicedesk import threads
from servicedesk.delivery_reports import find_failure, find_returned_ids
from servicedesk.handlers.unsubscribe import find_people
from servicedesk.participants import record_bounce


class BounceHandler:
    """RFC 3464. A report about anybody else has no such address, and is only ignored."""

    name: ClassVar[str] = "ticket_bounce"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})-bounce")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h-bounce"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset({Reason.BOUNCE})
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = False

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        reply_key = context.reply_keys.get(key["reply_key"])
        if reply_key is None or not reply_key.external_email:
            return None
        item = reply_key.item
        return Target(project=item.project, external_author=reply_key.external_email, item=item)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Only a final failure counts: a delay may still end well."""
        reason = find_failure(email)
        if not reason:
            return Outcome(f"report without a failure on issue {target.item}")
        for participant in find_people(target):
            record_bounce(participant, reason, now=context.now)
            threads.record_bounce(participant, find_returned_ids(email), now=context.now)
        return Outcome(f"delivery failure on issue {target.item}")
