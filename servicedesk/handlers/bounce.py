"""A delivery report to the envelope sender of a participant's mail is about that participant."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from issues.mail_addresses import canonical_address
from servicedesk import threads, unreached
from servicedesk.delivery_reports import find_failures, find_returned_ids
from servicedesk.handlers.unsubscribe import find_people, find_target
from servicedesk.participants import record_bounce


class BounceHandler:
    """RFC 3464. A report about anybody else has no such address, and is only ignored. What a person
    sends here is a reply."""

    name: ClassVar[str] = "ticket_bounce"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})-bounce")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h-bounce"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = True
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset({Reason.BOUNCE})
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = False

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        return find_target(key, context)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Only a final failure counts: a delay may still end well. It must be of this participant's
        address, or of a mail that they were sent: they may forward their mail, or anybody's report
        may come to the address that they know."""
        failures = find_failures(email)
        if not failures:
            return Outcome(f"report without a failure on issue {target.item}")
        ids = find_returned_ids(email)
        named = canonical_address(target.external_author)
        theirs = next((each for each in failures if named in each.recipients), None)
        is_theirs = theirs is not None
        for participant in find_people(target):
            is_new = threads.record_bounce(participant, ids, now=context.now)
            is_theirs = is_theirs or is_new is not None
            if is_new or (is_new is None and theirs):
                record_bounce(participant, (theirs or failures[0]).reason, now=context.now)
                unreached.wait_on(participant.ticket, now=context.now)
        if not is_theirs:
            return Outcome(f"report about somebody else on issue {target.item}")
        return Outcome(f"delivery failure on issue {target.item}")
