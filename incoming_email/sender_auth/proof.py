"""Whether the sender is authenticated, and by what: the result of the trusted mail server, our own
check of DKIM signatures, or a chain of forwarders; and beside it the mark of spam that counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.conf import settings

from incoming_email.models import InboundEmail, Mailbox, SenderPolicy, SpamPolicy
from incoming_email.parsing.types import ParsedEmail
from incoming_email.sender_auth.chains import check_chain
from incoming_email.sender_auth.channel import NO_MARK, Channel, find_counted, find_spam
from incoming_email.sender_auth.key_records import KeyRecords
from incoming_email.sender_auth.results import is_vouched_for
from incoming_email.sender_auth.signatures import SignatureCheck, check_signatures
from incoming_email.sender_auth.wire import split_message
from issues.mail_addresses import canonical_domain
from issues.models import Project

ASKING = {SenderPolicy.FLAG, SenderPolicy.REQUIRE}
SIGNATURE = b"dkim-signature:"
_read_policies = attrgetter(
    *[f.attname for f in Mailbox._meta.concrete_fields if f.attname.endswith("_policy")]
)


@dataclass(frozen=True, slots=True)
class Proof:
    passed: bool
    because: str
    """For the trace."""


NO_PROOF = Proof(False, "not looked at")
"""No policy asks, and no server is trusted."""


def find_evidence(
    mailbox: Mailbox, rows: Sequence[InboundEmail], emails: Sequence[ParsedEmail]
) -> Iterator[tuple[Proof, Channel]]:
    """For each message, in order, each as it is asked for, its proof and the mark of spam that
    counts. Signatures are checked where a policy of any feature, or a project, requires
    authentication, and marks where the mailbox asks for them. Call outside of transactions: the DNS
    may be slow."""
    asks = asks_for_proof(mailbox) or (any(map(_is_signed, rows)) and _asks_any_project())
    records = KeyRecords(settings.DKIM_DNS_TIMEOUT_SECONDS) if asks else None
    is_looked_at = records is not None or mailbox.trusted_authserv_id
    asks_spam = mailbox.spam_policy != SpamPolicy.OFF
    for row, email in zip(rows, emails, strict=True):
        proof = _find_proof(mailbox, row, email, records) if is_looked_at else NO_PROOF
        yield proof, find_spam(mailbox, row, email) if asks_spam else NO_MARK


def _is_signed(row: InboundEmail) -> bool:
    return SIGNATURE in bytes(row.raw[: settings.PARSE_MAX_HEADER_BYTES]).lower()


def _asks_any_project() -> bool:
    """Asked where a message is signed: the others cost no query."""
    return Project.objects.filter(mail_needs_authentication=True).exists()


def asks_for_proof(mailbox: Mailbox) -> bool:
    """Whether a policy of any feature wants to know."""
    return not ASKING.isdisjoint(_read_policies(mailbox))


def _find_proof(
    mailbox: Mailbox, row: InboundEmail, email: ParsedEmail, records: KeyRecords | None
) -> Proof:
    notes: list[str] = []
    for check in _check_in_turn(mailbox, row, email, records):
        notes += [check.note] if check.note else []
        if check.passed:
            return Proof(True, "; ".join(notes))
    return Proof(False, "; ".join(notes))


def _check_in_turn(
    mailbox: Mailbox, row: InboundEmail, email: ParsedEmail, records: KeyRecords | None
) -> Iterator[SignatureCheck]:
    """The surest first. Where the trusted server has given a result, no signature of the sender's
    is looked at: it would say the same."""
    if not email.sender:
        yield SignatureCheck(False, "From names no one sender")
        return
    domain = canonical_domain(email.sender.rpartition("@")[2])
    channel = find_counted(mailbox, row, email.stamps)
    is_silent = channel.result is None
    is_from = not email.shown_from
    is_vouched = channel.result is not None and is_vouched_for(
        domain, channel.result, is_from=is_from
    )
    yield SignatureCheck(is_vouched, channel.note)
    if records is None or not (is_silent or mailbox.forwarders):
        return
    message = "the message is too large" if row.oversize else split_message(bytes(row.raw))
    if isinstance(message, str):
        yield SignatureCheck(False, message)
        return
    if is_silent:
        signed = check_signatures(message, domain, records)
        yield SignatureCheck(signed.passed, f"own DKIM check: {signed.note}")
    if mailbox.forwarders:
        chain = check_chain(message, domain, mailbox.forwarders, records, is_from=is_from)
        yield SignatureCheck(chain.passed, f"ARC: {chain.note}")
