"""Whether the sender is authenticated, and by what: the result of the trusted mail server
(Authentication-Results, RFC 8601), else our own DKIM check."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

from django.conf import settings

from incoming_email.models import InboundEmail, Mailbox, SenderPolicy
from incoming_email.parsing.types import ParsedEmail
from incoming_email.sender_auth.alignment import speaks_for
from incoming_email.sender_auth.key_records import KeyRecords
from incoming_email.sender_auth.signatures import NOT_CHECKED, SignatureCheck, check_signatures
from issues.models import Project

ASKING = {SenderPolicy.FLAG, SenderPolicy.REQUIRE}
ASKING_PROJECT = {"mail_needs_authentication": True}
SIGNATURE = b"dkim-signature:"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\(|[^"(\\]+|\\.', re.DOTALL)
_COMMENT_TOKEN = re.compile(r"[()]|[^()\\]+|\\.", re.DOTALL)
_SPECIAL = re.compile(r"\\.|[;=\s]", re.DOTALL)
_PROPERTY = re.compile(r'([a-z.-]+)\s*=\s*((?:"[^"]*"|[^\s;"])+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proof:
    passed: bool
    because: str
    """For the trace."""


NO_PROOF = Proof(False, "not looked at")


def find_proofs(
    mailbox: Mailbox, rows: Sequence[InboundEmail], emails: Sequence[ParsedEmail]
) -> Iterator[Proof]:
    """One for each message, in order, each as it is asked for. Signatures are checked where a
    policy of any feature, or a project, requires authentication. Call outside of
    transactions: the DNS may be slow."""
    policies = [f.attname for f in mailbox._meta.concrete_fields if f.attname.endswith("_policy")]
    asks = any(getattr(mailbox, name) in ASKING for name in policies)
    records = KeyRecords(timeout=settings.DKIM_DNS_TIMEOUT_SECONDS)
    is_asked = cache(lambda: asks or Project.objects.filter(**ASKING_PROJECT).exists())
    for row, email in zip(rows, emails, strict=True):
        yield find_proof(
            email.sender,
            email.authentication_results,
            trusted=mailbox.trusted_authserv_id,
            check=None if row.oversize else partial(_check, row, records, asks, is_asked),
        )


def find_proof(
    sender: str,
    results: Sequence[str],
    *,
    trusted: str,
    check: Callable[[str], SignatureCheck] | None = None,
) -> Proof:
    """The result of the `trusted` mail server decides; where it gave none, our own check of the
    signatures for the sender's domain."""
    if not sender:
        return Proof(False, "From names no one sender")
    domain = sender.rpartition("@")[2]
    result = _find_trusted(results, trusted) if trusted else None
    if result is not None:
        return Proof(_is_vouched_for(domain, result), f"Authentication-Results of {trusted}")
    found = check(domain) if check else NOT_CHECKED
    signed = any(speaks_for(signer, domain) for signer in found.signers)
    return Proof(signed, f"own DKIM check: {found.note}")


def _check(
    row: InboundEmail, records: KeyRecords, asks: bool, is_asked: Callable[[], bool], domain: str
) -> SignatureCheck:
    """Where no policy of the mailbox asks, projects are asked once, for the first signed message:
    the others cost no query."""
    head = b"" if asks else bytes(row.raw[: settings.PARSE_MAX_HEADER_BYTES]).lower()
    if not asks and not (SIGNATURE in head and is_asked()):
        return NOT_CHECKED
    return check_signatures(bytes(row.raw), domain, records)


def _find_trusted(results: Sequence[str], trusted: str) -> str | None:
    """The topmost field that the server called `trusted` wrote; None where it wrote none.

    Everybody can write more of them further down.
    """
    return next((value for value in results if _authserv_id(value) == trusted.lower()), None)


def _is_vouched_for(domain: str, result: str) -> bool:
    """Whether the domain passed DMARC, or passed DKIM or SPF in its own name."""
    return any(_vouches(properties, domain) for properties in _parse_methods(result))


def _clean(value: str) -> str:
    """Comments as blanks, and quoted strings without what could end them or start a method.

    The sender chooses a quoted local part: `smtp.mailfrom="; dmarc=pass"@example.net` must stay
    one value. What follows an unclosed quote is dropped.
    """
    pieces: list[str] = []
    at = depth = 0
    while token := (_COMMENT_TOKEN if depth else _TOKEN).match(value, at):
        text, at = token.group(), token.end()
        if depth or text == "(":
            depth += {"(": 1, ")": -1}.get(text, 0)
            pieces.append(" ")
        elif text.startswith('"'):
            pieces.append(f'"{_SPECIAL.sub("_", text[1:-1])}"')
        else:
            pieces.append(text)
    return "".join(pieces)


def _authserv_id(value: str) -> str:
    words = _clean(value).partition(";")[0].split()
    return words[0].lower() if words else ""


def _parse_methods(value: str) -> Iterator[dict[str, str]]:
    """Each `method=result` with its properties, as `{"dkim": "pass", "header.d": "…"}`."""
    for part in _clean(value).split(";")[1:]:
        yield {name.lower(): _unquote(found.lower()) for name, found in _PROPERTY.findall(part)}


def _unquote(value: str) -> str:
    """Only where all of it is quoted: in `"x@a.example"@b.example` the domain is b.example."""
    return value[1:-1] if re.fullmatch(r'"[^"]*"', value) else value


def _vouches(properties: dict[str, str], domain: str) -> bool:
    if properties.get("dmarc") == "pass":
        return properties.get("header.from", domain).rpartition("@")[2] == domain
    if properties.get("dkim") == "pass":
        signer = properties.get("header.d") or properties.get("header.i", "")
        return speaks_for(signer.rpartition("@")[2], domain)
    if properties.get("spf") == "pass":
        return speaks_for(properties.get("smtp.mailfrom", "").rpartition("@")[2], domain)
    return False
