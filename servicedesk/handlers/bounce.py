"""A delivery report to the envelope sender of a participant's mail is about that participant."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from servicedesk import threads
from servicedesk.handlers.unsubscribe import find_people
from servicedesk.participants import record_bounce

ACTION = re.compile(rb"^Action:[ \t]*(\w+)", re.IGNORECASE | re.MULTILINE)
STATUS = re.compile(rb"^Status:[ \t]*(\d\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)
DIAGNOSTIC = re.compile(rb"^Diagnostic-Code:[ \t]*([^\r\n]{1,400})", re.IGNORECASE | re.MULTILINE)
REPORT = "message/delivery-status"
RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}
"""Types of the part that holds what was sent (RFC 6522 3, RFC 6533 6)."""

HEAD_BYTES = 65_536
MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*<([^<>\s]{1,250})>", re.IGNORECASE | re.MULTILINE)


class BounceHandler:
    """RFC 3464. A report about anybody else has no such address, and is only ignored."""

    name: ClassVar[str] = "ticket_bounce"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})-bounce")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h-bounce"
    sender_policy: ClassVar[str] = ""
    secret_key: ClassVar[bool] = True
    takes: ClassVar[frozenset[Reason]] = frozenset({Reason.BOUNCE})
    quick: ClassVar[bool] = False

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


def find_failure(email: ParsedEmail) -> str:
    """Status and words of the server that refused for good; empty if there is no such part."""
    for attachment in email.attachments:
        if attachment.content_type != REPORT:
            continue
        action, status = ACTION.search(attachment.content), STATUS.search(attachment.content)
        if action and action[1].lower() == b"failed" and status and status[1].startswith(b"5"):
            words = DIAGNOSTIC.search(attachment.content)
            parts = [status[1], *([words[1]] if words else [])]
            return " ".join(part.decode(errors="replace") for part in parts)
    return ""


def find_returned_ids(email: ParsedEmail) -> list[str]:
    """Message-IDs of what is sent back with the report; the head of each is enough."""
    returned = (a.content[:HEAD_BYTES] for a in email.attachments if a.content_type in RETURNED)
    ids = [found[1] for head in returned if (found := MESSAGE_ID.search(head))]
    return [message_id.decode(errors="replace") for message_id in ids]
