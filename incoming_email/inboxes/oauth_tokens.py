"""Access tokens: from a token endpoint (RFC 6749), or from a program of the operator's."""

import hashlib
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import httpx

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.https import (
    HttpAnswer,
    HttpsClient,
    Refusal,
    find_retry_after,
    find_text,
    is_token,
    parse_object,
)
from incoming_email.inboxes.oauth_client import OAuthClient, TokenCommand

MARGIN_SECONDS = 60.0
"""A token that expires this soon is not used any more."""

SHORT_LIFE_SECONDS = 300.0
"""Lifetime where the endpoint does not give one."""

LONGEST_LIFE_SECONDS = 86_400.0
"""What an endpoint says beyond that is not relied on."""

MAX_ANSWER_BYTES = 1_000_000
NO_TOKEN = "the answer has no access token that can be sent"  # noqa: S105

CONSENT_ENDED = (
    "The consent has ended or was withdrawn: give it again at the provider and enter the new"
    " refresh token. What came meanwhile is then taken in."
)
WITHDRAWN = "invalid_grant"
REMEDIES = {
    WITHDRAWN: CONSENT_ENDED,
    "invalid_client": "Check client id and client secret; the secret may have expired.",
    "unauthorized_client": "Check client id and client secret; the app may lack the permission.",
    "invalid_scope": "Check the scope: it must be one that this app has consent for.",
}
WRONG_TENANT = "Check the tenant id, and that the Azure AD endpoint is that of its cloud."
ENTRA_REMEDIES = {
    "7000215": "Enter the value of the client secret, not its id.",
    "7000222": "The client secret has expired: make a new one for the app and enter it.",
    "700016": "Check the client id: this directory has no such app.",
    "90002": WRONG_TENANT,
    "900023": WRONG_TENANT,
    "900382": WRONG_TENANT,
    "500011": "Check the Graph endpoint (for IMAP, the scope): this directory does not know it.",
}
"""By the number behind AADSTS, which Microsoft Entra puts into error_description."""

OTHER_ENTRA_REMEDY = "Check tenant id, client id and client secret against the app's registration."
BUSY_REMEDY = "Nothing to do: it is asked again when the pause is over."
OTHER_REMEDY = "Check the token endpoint; if it is right, the provider has a fault that passes."
COMMAND_REMEDY = (
    "Run the command of IMAP_TOKEN_COMMANDS by hand, as the user that Letterbox runs as: it must"
    " print an access token and nothing else."
)


class TokenRefusal(Refusal):
    """The token endpoint said no; `code` is that of RFC 6749, section 5.2."""


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    ends: float
    """By the monotonic clock."""


_tokens: dict[OAuthClient, Token] = {}
_rotated: dict[OAuthClient, str] = {}
_lock = threading.Lock()


def find_access_token(client: OAuthClient, *, renew: bool = False) -> str:
    """An access token of this client: the one that this process has, or a new one when it
    expires soon or `renew` is set.

    A new refresh token that comes with it is handed to `client.keep`. Raises InboxError.
    """
    if client.command:
        return _run_command(client.command, client.timeout)
    with _lock:
        known = _tokens.get(client)
    if known and not renew and known.ends > time.monotonic() + MARGIN_SECONDS:
        return known.value
    answer = _ask(client)
    seconds = _parse_life(answer.get("expires_in"))
    token = Token(find_text(answer, "access_token"), time.monotonic() + seconds)
    with _lock:
        _tokens[client] = token
    _keep_rotated(client, answer)
    return token.value


def _parse_life(value: object) -> float:
    """Some endpoints send the number as a text."""
    if isinstance(value, str) and value.isdecimal():
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return SHORT_LIFE_SECONDS
    return float(max(0, min(value, LONGEST_LIFE_SECONDS)))


def find_refresh_tokens(client: OAuthClient) -> list[str]:
    """The token that the provider returned last, or the one that was entered.

    Two where another process may have received a newer one than this one.
    """
    with _lock:
        kept = [_rotated.get(client, ""), client.rotated_token]
    parts = [text.partition(":") for text in dict.fromkeys(kept)]
    rotated = [token for digest, _, token in parts if digest == _digest(client.refresh_token)]
    return rotated or [client.refresh_token]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _keep_rotated(client: OAuthClient, answer: Mapping[str, object]) -> None:
    """Some providers let a refresh token be used once only."""
    new = find_text(answer, "refresh_token")
    if not client.refresh_token or not is_token(new) or new in find_refresh_tokens(client)[:1]:
        return
    text = f"{_digest(client.refresh_token)}:{new}"
    with _lock:
        _rotated[client] = text
    client.keep(text)


def _run_command(command: TokenCommand, timeout: float) -> str:
    """No shell. What it writes to standard error is not shown: it may hold secrets."""
    try:
        done = subprocess.run(  # noqa: S603  (named in the environment by the operator)
            command.words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = error.strerror if isinstance(error, OSError) else "no answer in time"
        raise InboxError(f"the token command: {message}", remedy=COMMAND_REMEDY) from None
    token = done.stdout.decode("ascii", "replace").strip()
    if done.returncode or not is_token(token):
        detail = f"the token command ended with status {done.returncode} and gave no token"
        raise InboxError(detail, remedy=COMMAND_REMEDY)
    return token


def _ask(client: OAuthClient) -> Mapping[str, object]:
    *others, last = find_refresh_tokens(client)
    for refresh_token in others:
        try:
            return _ask_with(client, refresh_token)
        except TokenRefusal as refusal:
            if refusal.code != WITHDRAWN:
                raise
    return _ask_with(client, last)


def _ask_with(client: OAuthClient, refresh_token: str) -> Mapping[str, object]:
    form = {
        "grant_type": "refresh_token" if refresh_token else "client_credentials",
        "refresh_token": refresh_token,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "scope": client.scope,
    }
    given = {name: value for name, value in form.items() if value}
    https = HttpsClient(
        ca_file=client.ca_file, timeout=client.timeout, local_networks=client.local_networks
    )
    with closing(https):
        said = https.ask("POST", client.token_endpoint, data=given, limit=MAX_ANSWER_BYTES)
    answer = parse_object(said.body)
    if said.is_success and is_token(answer.get("access_token")):
        return answer
    raise _find_refusal(said, answer, secrets=(client.client_secret, refresh_token))


def _find_refusal(
    said: HttpAnswer, answer: Mapping[str, object], *, secrets: Sequence[str]
) -> TokenRefusal:
    code, description = find_text(answer, "error"), find_text(answer, "error_description")
    if said.is_success and not code:
        description = NO_TOKEN
    words = [f"{said.status} {code}".strip(), description]
    detail = f"token endpoint: {': '.join(filter(None, words))}"
    for secret in filter(None, secrets):
        detail = detail.replace(secret, "[secret]")
    return TokenRefusal(
        said.status,
        code,
        detail,
        remedy=_find_remedy(said.status, code, description),
        retry_after=find_retry_after(said),
    )


def _find_remedy(status: int, code: str, description: str) -> str:
    """The most exact one that is known."""
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return BUSY_REMEDY
    number = re.search(r"AADSTS(\d+)", description)
    other = OTHER_ENTRA_REMEDY if number else OTHER_REMEDY
    exact = ENTRA_REMEDIES.get(number[1]) if number else None
    return exact or REMEDIES.get(code, other)
