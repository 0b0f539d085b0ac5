"""Checks the signatures of a batch's messages, where a policy requires authentication."""

from collections.abc import Sequence

from django.conf import settings

from incoming_email.models import InboundEmail, Mailbox, SenderPolicy
from incoming_email.parsing.types import ParsedEmail
from incoming_email.sender_auth.key_records import KeyRecords
from incoming_email.sender_auth.results import find_trusted
from incoming_email.sender_auth.signatures import NOT_CHECKED, SignatureCheck, check_signatures

ASKING = {SenderPolicy.FLAG, SenderPolicy.REQUIRE}


def check_where_asked(
    mailbox: Mailbox, rows: Sequence[InboundEmail], emails: Sequence[ParsedEmail]
) -> list[SignatureCheck]:
    """One for each message, in order. Call outside of transactions: the DNS may be slow."""
    if not _asks(mailbox):
        return [NOT_CHECKED] * len(rows)
    records = KeyRecords(timeout=settings.DKIM_DNS_TIMEOUT_SECONDS)
    return [
        check_signatures(bytes(row.raw), email.sender.rpartition("@")[2], records)
        if _is_open(mailbox, row, email)
        else NOT_CHECKED
        for row, email in zip(rows, emails, strict=True)
    ]


def _asks(mailbox: Mailbox) -> bool:
    """Whether a policy of any feature requires authentication."""
    names = [f.attname for f in mailbox._meta.concrete_fields]
    return any(getattr(mailbox, name) in ASKING for name in names if name.endswith("_policy"))


def _is_open(mailbox: Mailbox, row: InboundEmail, email: ParsedEmail) -> bool:
    """The trusted server gave no result, and there is a signature to check."""
    has_result = find_trusted(email.authentication_results, mailbox.trusted_authserv_id) is not None
    return bool(email.sender) and not has_result and not row.oversize
