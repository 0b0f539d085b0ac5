"""Where an access token comes from: frozen settings whose secrets never show in a repr."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def forget(_rotated: str) -> None:
    """Default of `keep`: discards the token."""


@dataclass(frozen=True, slots=True)
class TokenCommand:
    """A program that prints an access token, and the server that the token is for."""

    words: tuple[str, ...]
    host: str
    """Empty: none, and the token goes nowhere."""

    def is_for(self, host: str, *, is_sealed: bool) -> bool:
        """Whether the token may be sent there: whoever edits mailboxes could else have it sent to a
        server of their own, or in clear (RFC 6750 section 5.3)."""
        return is_sealed and bool(self.host) and self.host.lower() == host.lower()


def parse_token_command(entry: object) -> TokenCommand:
    """A value of IMAP_TOKEN_COMMANDS, `{"host": …, "command": …}`. One that is not so is for no
    server."""
    named = entry if isinstance(entry, Mapping) else {}
    command, host = named.get("command"), named.get("host")
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:  # a quote without an end
        words = []
    return TokenCommand(tuple(words), host if words and isinstance(host, str) else "")


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
    command: TokenCommand | None = None
    """Then nothing else here is used."""

    ca_file: str = ""
    local_networks: bool = True
    timeout: float = 30.0
