"""What the trusted mail server found out about the sender: Authentication-Results (RFC 8601)."""

import re
from collections.abc import Iterator, Sequence

from incoming_email.sender_auth.alignment import speaks_for

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\(|[^"(\\]+|\\.', re.DOTALL)
_COMMENT_TOKEN = re.compile(r"[()]|[^()\\]+|\\.", re.DOTALL)
_SPECIAL = re.compile(r"\\.|[;=\s]", re.DOTALL)
_PROPERTY = re.compile(r'([a-z.-]+)\s*=\s*((?:"[^"]*"|[^\s;"])+)', re.IGNORECASE)


def find_trusted(results: Sequence[str], trusted: str) -> str | None:
    """The topmost field that the server called `trusted` wrote; None where it wrote none.

    Everybody can write more of them further down. Without a trusted name nothing counts.
    """
    if not trusted:
        return None
    return next((value for value in results if _authserv_id(value) == trusted.lower()), None)


def is_vouched_for(domain: str, result: str) -> bool:
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
