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
    asked = {each.sender for each in emails if each.behind.address and not each.behind.is_list}
    ours = find_own(asked) if asked else set()
    shown = []
    for each in emails:
        is_other = each.behind.is_list or each.sender in ours or template.matches(each.sender)
        if is_other and not (each.origin and outbox.is_own(each.message_id, each.origin)):
            shown.append(replace(each, sender=each.behind.address, shown_from=each.sender))
        else:
            shown.append(each)
    return shown


def was_sent_by_us(email: ParsedEmail) -> bool:
    """Whether mail with an address of ours in From has a Message-ID of ours: a forwarder may have
    taken the other mark away."""
    sent = OutgoingEmail.objects.filter(message_id=email.message_id)
    return bool(email.message_id) and sent.exists()


def trace_author(email: ParsedEmail) -> Step:
    """The step that says whose mail it is, where that is not From."""
    whose = "a mailing list" if email.behind.is_list else "ours"
    return {
        "step": "author",
        "result": email.sender or "not named",
        "header": email.behind.header,
        "because": f"From is {email.shown_from}, an address of {whose}",
    }
