"""Our own addresses: `incoming+%{key}@example.com` with a key put in, and the key found again."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from issues.mail_addresses import canonical_address, canonical_domain, lower_ascii

PLACEHOLDER = "%{key}"
MAX_DOMAIN = 253
MAX_LOCAL_PART = 64
"""Octets before the `@` (RFC 5321 4.5.3.1.1); many servers refuse more."""

MAX_KEY_LENGTH = 46
"""`<project id>-<token>-merge-request` with six digits of id: the longest that cannot be cut."""

SHORT_SECRET = 8
ELLIPSIS = "…"

_UNREAD = re.compile(
    r"""(?:\A|[._+=-])(?:
        (?:do[._-]?)?(?:no|not)[._-]?(?:reply|response|answer) | (?:no|nao)[._-]?respond(?:er|a)
        | (?:nicht|keine)[._-]?antwort(?:en)? | ne[._-]?pas[._-]?repondre
        | mailer[._-]?daemon | bounces? | auto[._-]?reply
    )[0-9]*(?:\Z|[._+=-])
    | \Aowner-. | .-request\Z""",
    re.VERBOSE,
)
_LOCAL = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]*", re.ASCII)
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_REPLY_ID = re.compile(r"<?reply-(?P<key>[0-9a-z-]{1,64})@(?P<host>[^@<>\s]+)>?")


class InvalidTemplate(ValueError):
    """The address template is invalid; the message is a sentence with the reason."""


@dataclass(frozen=True, slots=True)
class AddressTemplate:
    """The address of a mailbox, with or without a placeholder for the key."""

    text: str
    local_before: str
    local_after: str
    domain: str
    has_key: bool
    bare: str
    """The address without key and separator; empty if nothing is left before the `@`."""

    def address_for(self, key: str) -> str:
        """A dedicated address has no placeholder and is the same for all keys."""
        return self.text.replace(PLACEHOLDER, key)

    def find_key(self, address: str) -> str | None:
        """The key in lower case if the whole address is one of this template, else None."""
        local, at, domain = canonical_address(address).rpartition("@")
        before, after = lower_ascii(self.local_before), lower_ascii(self.local_after)
        if not (self.has_key and at and domain == canonical_domain(self.domain)):
            return None
        if not (local.startswith(before) and local.endswith(after)):
            return None
        key = local[len(before) : len(local) - len(after)]
        return key if key and not re.search(r"[\s@<>]", key) else None

    def matches(self, address: str) -> bool:
        """Whether it is an address of this mailbox: with some key, bare, or with any +detail."""
        if self.find_key(address) is not None:
            return True
        local, at, domain = canonical_address(address).rpartition("@")
        undetailed = f"{local.partition('+')[0]}@{domain}"
        own = canonical_address(self.bare)
        return bool(at and own) and own in {f"{local}@{domain}", undetailed}

    def is_postmaster(self, address: str) -> bool:
        """Whether it is that of this domain, which every server takes mail for (RFC 5321, 4.5.1),
        also without a domain."""
        own = canonical_address(f"postmaster@{self.domain}")
        return canonical_address(address) in {"postmaster", own}


@lru_cache(maxsize=256)
def parse_template(text: str) -> AddressTemplate:
    """Raises InvalidTemplate unless `%{key}` occurs at most once, before the `@`, and fits."""
    text = text.strip()
    local, at, domain = text.rpartition("@")
    if not at or "@" in local:
        raise InvalidTemplate("The address must have exactly one @.")
    if PLACEHOLDER in domain:
        raise InvalidTemplate("%{key} must stand before the @, not in the domain.")
    if local.count(PLACEHOLDER) > 1:
        raise InvalidTemplate("%{key} must not occur more than once.")
    _require_valid_domain(domain)
    template = split_template(text)
    _require_valid_local(template)
    return template


def split_template(text: str) -> AddressTemplate:
    """Of a template that is known to be valid."""
    local, _at, domain = text.rpartition("@")
    before, key, after = local.partition(PLACEHOLDER)
    undetailed = before.rstrip("+-._=") + after.lstrip("+-._=") if key else local
    bare = f"{undetailed}@{domain}" if undetailed else ""
    return AddressTemplate(text, before, after, domain, bool(key), bare)


def _require_valid_domain(domain: str) -> None:
    labels = domain.split(".")
    if len(domain) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidTemplate(f"“{domain}” is not a valid domain.")


def _require_valid_local(template: AddressTemplate) -> None:
    local = template.local_before + ("k" if template.has_key else "") + template.local_after
    if "%{" in local:
        raise InvalidTemplate("The only placeholder is %{key}.")
    if not local:
        raise InvalidTemplate("Nothing stands before the @.")
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise InvalidTemplate(f"“{local}” is not a valid name before the @.")
    longest = len(template.local_before) + len(template.local_after)
    longest += MAX_KEY_LENGTH if template.has_key else 0
    if longest > MAX_LOCAL_PART:
        raise InvalidTemplate(
            f"With the longest key ({MAX_KEY_LENGTH} characters) the part before the @ would have"
            f" {longest} characters; mail servers accept {MAX_LOCAL_PART}."
        )


def project_key(slug: str, rest: str, *, template: AddressTemplate) -> str:
    """`<slug>-<rest>`, the slug cut (to nothing if need be) so that the local part fits."""
    fixed = len(template.local_before) + len(template.local_after)
    room = max(0, MAX_LOCAL_PART - fixed - len(rest) - 1)
    slug = slug[:room].rstrip("-")
    return f"{slug}-{rest}" if slug else rest


def reply_message_id(key: str, host: str) -> str:
    """Without angle brackets, as all ids here."""
    return f"reply-{key}@{host}"


def find_reply_keys(ids: Iterable[str], host: str) -> Iterator[str]:
    """Keys of ids of the form `reply-KEY@host`, in order; ids of other hosts are not ours."""
    host = lower_ascii(host)
    for message_id in ids:
        match = _REPLY_ID.fullmatch(lower_ascii(message_id.strip()))
        if match and match["host"] == host:
            yield match["key"]


def fold_address(address: str) -> str:
    """The same for all addresses that one mailbox takes: without `+tag`, and at Gmail without dots.
    It says who reads a mail, never who wrote one."""
    local, _at, domain = canonical_address(address).rpartition("@")
    local = local.partition("+")[0] or local
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def asks_no_answer(address: str) -> bool:
    """Whether the address says that nobody reads what is sent to it: `no-reply@`, or a program's
    (RFC 3834, 2)."""
    return bool(_UNREAD.search(lower_ascii(address.rpartition("@")[0])))


def redact_key(key: str) -> str:
    """What of a secret key may be shown: the first four characters."""
    return ELLIPSIS if len(key) < SHORT_SECRET else key[:4] + ELLIPSIS


def redact_address(address: str, templates: Iterable[AddressTemplate]) -> str:
    """The address with its key redacted; unchanged if no template finds a key in it."""
    for template in templates:
        key = template.find_key(address)
        if key is not None:
            return template.address_for(redact_key(key))
    return address
