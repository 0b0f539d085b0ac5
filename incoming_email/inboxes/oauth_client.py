"""Where an access token comes from: frozen settings whose secrets never show in a repr."""

from collections.abc import Callable
from dataclasses import dataclass, field


def forget(_rotated: str) -> None:
    """Default of `keep`: discards the token."""


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A token endpoint (RFC 6749), or a program."""

    token_endpoint: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    """Empty: the client asks in its own name (client credentials, RFC 6749 section 4.4)."""

    rotated_token: str = field(default="", repr=False, compare=False)
    """The refresh token that the provider returned instead, as `digest:token`; for this account
    only."""

    keep: Callable[[str], object] = field(default=forget, repr=False, compare=False)
    """Called at once with a new `rotated_token`: the old one may no longer be valid."""

    scope: str = ""
    command: tuple[str, ...] = ()
    """Program that prints an access token; then nothing else here is used."""

    ca_file: str = ""
    local_networks: bool = True
    timeout: float = 30.0
