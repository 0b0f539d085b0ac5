"""A participant answers a mail of the desk by its reply key."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues.models import Issue
from servicedesk.handlers.ticket import reply_to_ticket
from servicedesk.models import ServiceDesk, Ticket


class ParticipantReplyHandler:
    """Shares its pattern with the replies of members: a key belongs to one or the other."""

    name: ClassVar[str] = "ticket_reply"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h"
    sender_policy: ClassVar[str] = "reply_sender_policy"
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = True
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        reply_key = context.reply_keys.get(key["reply_key"])
        if reply_key is None or not reply_key.external_email:
            return None
        item = reply_key.item
        return Target(
            project=item.project,
            external_author=reply_key.external_email,
            item=item,
            refusal=None if reply_key.is_valid(context.now) else Reason.KEY_EXPIRED,
        )

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Also for those who were removed from the ticket: they still have the key."""
        ticket = None
        if isinstance(target.item, Issue):
            ticket = (
                Ticket.objects.select_related("issue__project").filter(pk=target.item.pk).first()
            )
        if ticket is None:
            raise Rejected(Reason.NOT_FOUND)
        desk = ServiceDesk.objects.select_related("project").filter(project=target.project).first()
        return reply_to_ticket(email, ticket, desk, context, key_owner=target.external_author)


class BouncePathReplyHandler(ParticipantReplyHandler):
    """The same for what a person sends to the envelope sender of a mail, as some programs do.

    Shares its pattern with delivery reports, and goes before them: those are no person's.
    """

    name: ClassVar[str] = "ticket_bounce_reply"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?P<reply_key>[0-9a-z]{25})-bounce")
    example: ClassVar[str] = "05k9t3m1q7z2w8x4c6v0b5n1h-bounce"

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        return super().resolve(key, context) if context.is_persons else None
