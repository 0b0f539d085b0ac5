"""When two mail addresses are the same one: letter case, and domains beyond ASCII (IDNA)."""

from contextlib import suppress
from functools import lru_cache

_TO_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_ENCODED = "xn--"


def lower_ascii(text: str) -> str:
    """The text with A-Z in lower case and nothing else changed.

    A Kelvin sign or a dotless i must never become a k or an i.
    """
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


def _lower(letter: str) -> str:
    """Letters beyond ASCII have a case, too, but none of them becomes one of ASCII."""
    lowered = letter.lower()
    return lowered if letter.isascii() or not lowered.isascii() else letter


def canonical_domain(domain: str) -> str:
    """As DNS has it, in ASCII (IDNA 2008, RFC 5891 section 5); as it is, but for A-Z, where it is
    no valid name. Nothing is mapped: ß is not ss, and what looks alike is not the same."""
    if domain.isascii():
        return lower_ascii(domain)
    lowered = "".join(map(_lower, domain))
    import idna  # noqa: PLC0415  (large, and seldom needed)

    try:
        return idna.encode(lowered).decode()
    except idna.IDNAError:
        return lowered


def write_domain(domain: str) -> str:
    """For DNS and SMTP, in ASCII, as programs write what people type (UTS 46). Raises UnicodeError
    where it can be no name."""
    if domain.isascii():
        return domain.encode("idna").decode()  # as it is: its labels are looked at
    import idna  # noqa: PLC0415

    return idna.encode(domain, uts46=True).decode()


@lru_cache(maxsize=4096)
def canonical_address(address: str) -> str:
    """The same for all spellings of an address, and for no other. Kept is what was typed; this is
    for comparing. The part before the `@` is the server's to read, so only A-Z is lowered."""
    local, at, domain = address.rpartition("@")
    return f"{lower_ascii(local)}{at}{canonical_domain(domain)}"


def find_spellings(address: str) -> list[str]:
    """All in which a row may have it, for look-ups: one, but for domains beyond ASCII."""
    canonical = canonical_address(address)
    found = [lower_ascii(address), canonical]
    local, at, domain = canonical.rpartition("@")
    if _ENCODED in domain:
        import idna  # noqa: PLC0415

        with suppress(idna.IDNAError):
            found.append(f"{local}{at}{idna.decode(domain)}")
    return list(dict.fromkeys(found))
