"""Which domains may authenticate the sender's domain."""


def speaks_for(name: str, domain: str) -> bool:
    """Whether a signature of the domain `name` counts for a sender of `domain`: it is the same
    domain or one above it, as example.com is for mail.example.com.

    DMARC's relaxed alignment (RFC 7489 section 3.1) lets mail.example.com sign for example.com as
    well. That is safe only with a list of public suffixes, so it does not count here.
    """
    if not name:
        return False
    return domain == name or ("." in name and domain.endswith(f".{name}"))
