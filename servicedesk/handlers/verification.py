"""The mail that verifies a custom address comes back by its forwarding."""

import re
from typing import ClassVar

from incoming_email.handlers.base import Context, Target
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues.models import Project
from servicedesk.addresses import VERIFICATION, verification_key
from servicedesk.custom_email import take_back


class VerificationHandler:
    """Overrides two reasons to ignore: the mail is ours, and a forwarding program may mark it.

    Its key is that of the `+verify` address of a custom address, and is not used in addresses of
    our mailboxes.
    """

    name: ClassVar[str] = "custom_email_verification"
    pattern: ClassVar[re.Pattern[str]] = VERIFICATION
    example: ClassVar[str] = "20-verify"
    sender_policy: ClassVar[str] = ""
    project_switch: ClassVar[str] = ""
    secret_key: ClassVar[bool] = True
    refused_at_rcpt: ClassVar[bool] = True
    overrides_ignore: ClassVar[frozenset[Reason]] = frozenset({Reason.OWN_MAIL, Reason.AUTOMATIC})
    batchable: ClassVar[bool] = False
    publishes: ClassVar[bool] = False

    def resolve(self, key: re.Match[str], context: Context) -> Target | None:
        if key.string not in context.forwarded.values():
            return None
        project = Project.objects.filter(pk=int(key["project_id"])).first()
        return None if project is None else Target(project=project)

    def handle(self, email: ParsedEmail, target: Target, context: Context) -> Outcome:
        """Messages of a batch share what is known: here it must be this one that names it."""
        named = {context.forwarded.get(candidate.address) for candidate in email.candidates}
        if verification_key(target.project) not in named:
            raise Rejected(Reason.UNKNOWN_ADDRESS)
        return take_back(email, target.project, context)
