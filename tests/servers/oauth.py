"""A token endpoint (RFC 6749) for tests, and the introspection (RFC 7662) that Dovecot asks."""

import urllib.parse
from pathlib import Path

from incoming_email.inboxes.oauth_client import OAuthClient
from tests.servers.https import Answer, LocalServer, Request, as_json

CLIENT, SECRET, REFRESH = "client-1", "oauth-secret-of-no-value", "refresh-token-of-no-value"


class TokenEndpoint(LocalServer):
    """Gives out tokens for `user`. With `rotates` a refresh token is good for one use only."""

    def __init__(self, folder: Path, user: str) -> None:
        super().__init__(folder)
        self.user = user
        self.rotates = False
        self.life_seconds = 3599
        self.refresh_tokens = {REFRESH}
        self.access_tokens: dict[str, str] = {}
        self.fault: Answer | None = None
        self.forms: list[dict[str, str]] = []

    def client(self, **changes: object) -> OAuthClient:
        settings: dict[str, object] = {
            "token_endpoint": f"{self.url}/token",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "refresh_token": REFRESH,
            "scope": "mail",
            "ca_file": self.ca_file,
            "timeout": 20.0,
        }
        return OAuthClient(**(settings | changes))  # type: ignore[arg-type]

    def answer(self, request: Request) -> Answer:
        kind = request.headers.get("Content-Type", "")
        if request.method != "POST" or not kind.startswith("application/x-www-form-urlencoded"):
            return as_json(400, {"error": "invalid_request"})
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        self.forms.append(form)
        return self.fault or self._give_token(form)

    def _give_token(self, form: dict[str, str]) -> Answer:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return as_json(401, {"error": "invalid_client", "error_description": "Unknown client."})
        grant, given = form.get("grant_type"), form.get("refresh_token", "")
        if grant == "refresh_token" and given not in self.refresh_tokens:
            words = f"AADSTS70008: The refresh token {given} has expired."
            return as_json(400, {"error": "invalid_grant", "error_description": words})
        if grant not in {"refresh_token", "client_credentials"} or form.get("scope") != "mail":
            return as_json(400, {"error": "invalid_scope"})
        token = f"access-token-{len(self.forms)}"
        self.access_tokens[token] = self.user
        found = {"token_type": "Bearer", "access_token": token, "expires_in": self.life_seconds}
        if self.rotates and given:
            new = f"rotated-token-{len(self.forms)}"
            self.refresh_tokens = {new}
            found["refresh_token"] = new
        return as_json(200, found)


class Introspection(LocalServer):
    """In clear, for Dovecot on the same machine: whose token it is, if anybody's."""

    def __init__(self) -> None:
        super().__init__(None)
        self.access_tokens: dict[str, str] = {}

    def answer(self, request: Request) -> Answer:
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        user = self.access_tokens.get(form.get("token", ""))
        return as_json(200, {"active": True, "username": user} if user else {"active": False})
