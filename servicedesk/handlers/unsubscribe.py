"""Mail to the unsubscribe address of a participant ends the mails to them."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues.mail_addresses import canonical_address
from issues.models import Issue
from servicedesk.models import Participant
from servicedesk.participants import unsubscribe


class ParticipantUnsubscribeHandler:
    """The key alone decides, as for members."""

    name: ClassVar[str] = "ticket_unsubscribe"
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
        return find_target(key, context)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        people = find_people(target)
        for participant in people:
            unsubscribe(participant, now=context.now)
        return Outcome(f"unsubscribe from issue {target.item}")


def find_target(key: re.Match[str], context: Context) -> Target | None:
    """The participant whom the reply key belongs to, on the ticket."""
    reply_key = context.reply_keys.get(key["reply_key"])
    if reply_key is None or not reply_key.external_email:
        return None
    item = reply_key.item
    return Target(project=item.project, external_author=reply_key.external_email, item=item)


def find_people(target: Target) -> list[Participant]:
    """The participant whom the key belongs to; none if they were removed in between."""
    if not isinstance(target.item, Issue):
        raise Rejected(Reason.NOT_FOUND)
    people = Participant.objects.filter(ticket=target.item.pk)
    wanted = canonical_address(target.external_author)
    return [person for person in people if canonical_address(person.address) == wanted]
