"""Mail to the short address of a desk, in the mailbox that serves desks alone."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason
from incoming_email.parsing.types import ParsedEmail
from issues.models import Project
from servicedesk.addresses import ALIAS
from servicedesk.handlers.ticket import handle_mail


class AliasHandler:
    """Asked last and only there, since nearly every word matches its pattern."""

    name: ClassVar[str] = "ticket_alias"
    pattern: ClassVar[re.Pattern[str]] = ALIAS
    example: ClassVar[str] = "acme-shop-help"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = False
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset()
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = True

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        project = Project.objects.filter(
            service_desk__key=key["desk_key"], service_desk__enabled=True
        ).first()
        return None if project is None else Target(project=project)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        return handle_mail(email, target.project, context)
