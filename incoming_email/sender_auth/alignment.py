"""Which domains may speak for the sender's."""


def speaks_for(name: str, domain: str) -> bool:
    """The same domain, or one above it: `mail.example.com` is vouched for by example.com.

    DMARC's relaxed alignment (RFC 7489 section 3.1) lets mail.example.com speak for example.com as
    well. That is safe only with a list of public suffixes, so it does not count here.
    """
    if not name:
        return False
    return domain == name or ("." in name and domain.endswith(f".{name}"))
