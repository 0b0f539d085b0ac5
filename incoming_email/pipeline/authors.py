"""Whose mail it is, where From is the address of a mailing list or one of ours."""

from collections.abc import Sequence
from dataclasses import replace

from incoming_email.keys.own_addresses import find_own
from incoming_email.parsing.addresses import AddressTemplate
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline.attempts import Step
from issues import outbox
from issues.models import OutgoingEmail


def show_authors(emails: Sequence[ParsedEmail], template: AddressTemplate) -> Sequence[ParsedEmail]:
    """With who is behind such an address as their sender, or nobody. Common mail costs no query.

    Our own mail that comes back keeps its From: it is known by its marks, which nobody else makes.
    """
    doubtful = [each.sender for each in emails if each.behind.address and not each.behind.is_list]
    ours = find_own(doubtful) if doubtful else set()
    return [_show_author(each) if _is_hiding(each, template, ours) else each for each in emails]


def is_own(email: ParsedEmail) -> bool:
    """Whether we wrote it: by the mark that every mail of ours has, or where a forwarder took that
    away from mail with our address, by its Message-ID."""
    if email.origin and outbox.is_own(email.message_id, email.origin):
        return True
    sent = OutgoingEmail.objects.filter(message_id=email.message_id)
    return bool(email.shown_from and email.message_id) and sent.exists()


def trace_author(email: ParsedEmail) -> list[Step]:
    """The step that says so; none where From is the author."""
    if not email.shown_from:
        return []
    whose = "a mailing list" if email.behind.is_list else "ours"
    return [
        {
            "step": "author",
            "result": email.sender or "not named",
            "header": email.behind.header,
            "because": f"From is {email.shown_from}, an address of {whose}",
        }
    ]


def _is_hiding(email: ParsedEmail, template: AddressTemplate, ours: set[str]) -> bool:
    if not email.sender or (email.origin and outbox.is_own(email.message_id, email.origin)):
        return False
    return email.behind.is_list or email.sender in ours or template.matches(email.sender)


def _show_author(email: ParsedEmail) -> ParsedEmail:
    return replace(email, sender=email.behind.address, shown_from=email.sender)
