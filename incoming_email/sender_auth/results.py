"""Reads Authentication-Results strictly (RFC 8601): what has two readings proves nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from incoming_email.sender_auth.alignment import speaks_for

METHODS = {"arc", "auth", "dkim", "dkim-adsp", "dkim-atps", "dmarc", "domainkeys", "iprev", "spf"}
"""Methods of the IANA registry that a property without a dot must not be taken for."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\(|[^"(\\]+|\\.', re.DOTALL)
_COMMENT_TOKEN = re.compile(r"[()]|[^()\\]+|\\.", re.DOTALL)
_SPECIAL = re.compile(r"\\.|[;=\s]", re.DOTALL)
_METHOD = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:/\s*1\s*)?=\s*([a-z]+)(?=\s|\Z)")
_PROPERTY = re.compile(r'\s*([a-z][a-z0-9.-]*)\s*=\s*((?:"[^"]*"|[^\s;"])+)(?=\s|\Z)')
_HEAD = re.compile(r'\s*("[^"]*"|[^\s"]+)(?:\s+1)?\s*')
_INSTANCE = re.compile(r"\s*i\s*=\s*\d{1,3}\s*;")


@dataclass(frozen=True, slots=True)
class Result:
    method: str
    word: str
    """As `pass`."""

    properties: Mapping[str, str]


def read_authserv_id(value: str) -> str:
    """The name of the server that wrote the field, in lower case; empty where it has none, as in
    the fields of Exchange Online, or another version than 1."""
    head = _HEAD.fullmatch(_clean(value).partition(";")[0])
    return _unquote(head[1]).lower() if head else ""


def drop_instance(value: str) -> str:
    """ARC-Authentication-Results as Authentication-Results (RFC 8617 section 4.1.1)."""
    match = _INSTANCE.match(value)
    return value[match.end() :] if match else ""


def is_vouched_for(domain: str, value: str, *, is_from: bool) -> bool:
    """Whether the domain passed DMARC, or where that says neither pass nor fail, passed DKIM or SPF
    in its own name. `is_from`: it is the domain of From, and not of somebody whom another field
    names."""
    results = list(_read(value))
    dmarc = {r.word for r in results if r.method == "dmarc" and _names(r, domain, is_from=is_from)}
    if dmarc & {"pass", "fail"}:
        return "fail" not in dmarc
    return any(_vouches(result, domain) for result in results)


def _read(value: str) -> Iterator[Result]:
    """Each part that is one method with its result and then properties, each named once. Any other
    part could be read in two ways, as `dmarc=fail dmarc=pass`, and is left out."""
    for part in _clean(value).lower().split(";")[1:]:
        method = _METHOD.match(part)
        properties = _read_properties(part, method.end()) if method else None
        if method and properties is not None:
            yield Result(method[1], method[2], properties)


def _read_properties(part: str, at: int) -> dict[str, str] | None:
    """Properties as `header.d`; None where something else stands between them. Servers write some
    without a dot too: `action=none`, `x-bits=2048`."""
    found: dict[str, str] = {}
    while match := _PROPERTY.match(part, at):
        name, at = match[1], match.end()
        if name in found or name in METHODS:
            return None
        found[name] = _unquote(match[2])
    return None if part[at:].strip() else found


def _names(dmarc: Result, domain: str, *, is_from: bool) -> bool:
    """A DMARC result without header.from is about From all the same (RFC 7489 section 11.1)."""
    named = dmarc.properties.get("header.from", domain if is_from else "")
    return named.rpartition("@")[2] == domain


def _vouches(result: Result, domain: str) -> bool:
    properties = result.properties
    if result.word != "pass":
        return False
    if result.method == "dkim":
        signer = properties.get("header.d") or properties.get("header.i", "")
        return speaks_for(signer.rpartition("@")[2], domain)
    if result.method == "spf":
        return speaks_for(properties.get("smtp.mailfrom", "").rpartition("@")[2], domain)
    return False


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


def _unquote(value: str) -> str:
    """Only where all of it is quoted: in `"x@a.example"@b.example` the domain is b.example."""
    return value[1:-1] if re.fullmatch(r'"[^"]*"', value) else value
