"""Mail to the short address of a desk, in the mailbox that serves desks alone."""

import re
from dataclasses import replace
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from servicedesk.addresses import ALIAS, desk_key
from servicedesk.handlers.ticket import TicketHandler, find_target, handle_mail


class AliasHandler:
    """Asked last and only there, since nearly every word matches its pattern."""

    name: ClassVar[str] = "ticket_alias"
    pattern: ClassVar[re.Pattern[str]] = ALIAS
    example: ClassVar[str] = "acme-shop-help"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = False
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        target = find_target(key=key["desk_key"])
        if target is None:
            return None
        return replace(target, effect=f"{TicketHandler.name}\n{desk_key(target.project)}")

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        return handle_mail(email, target.project, context)
