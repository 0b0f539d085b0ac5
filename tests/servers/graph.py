"""A stand-in for Microsoft Graph's mail and its login: right questions only, faults on demand."""

import json
import time
import urllib.parse
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from incoming_email.inboxes.graph.account import GraphAccount
from tests.servers.https import Answer, LocalServer, Request, as_json
from tests.servers.odata import BadQueryError, Fields, is_efficient, parse_filter

TENANT, CLIENT, SECRET = "tenant-1", "client-1", "graph-secret-of-no-value"
USER = "incoming@example.onmicrosoft.com"
IMMUTABLE = 'IdType="ImmutableId"'
MESSAGE_FIELDS = {"id", "receivedDateTime", "isRead", "internetMessageId", "subject"}
FOLDER_FIELDS = {"id", "displayName", "totalItemCount", "unreadItemCount", "childFolderCount"}
DEFAULT_PAGE = 10
BASE = f"/v1.0/users/{USER}"


@dataclass
class Stored:
    content: bytes
    received_at: datetime
    folder: str = "inbox"
    is_read: bool = False


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    inner = {"date": "2026-05-01T12:00:00", "request-id": "r-1", "client-request-id": "r-1"}
    error = {"code": code, "message": message, "innerError": inner}
    return as_json(status, {"error": error}, **headers)


class FakeGraph(LocalServer):
    """`wrong` lists the questions that Microsoft would refuse; empty at the end, or it raises.

    `faults`: answers that come first, by a text that the request (`GET /v1.0/…`) holds.
    `others`: mailboxes beside ours, and whether the app is let into them.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.messages: dict[str, Stored] = {}
        self.folders = {"inbox": ("Inbox", ""), "deleteditems": ("Deleted Items", "")}
        self.faults: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.tokens: set[str] = set()
        self.page_size = 1000
        self.secret = SECRET
        self.scope = f"{self.url}/.default"
        self.is_allowed = True
        self.others: dict[str, bool] = {}
        self._links: dict[str, tuple[list[str], set[str]]] = {}
        self._silent_until = 0.0

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        if kind is None:
            assert self.wrong == []

    def account(self, **changes: object) -> GraphAccount:
        settings: dict[str, object] = {
            "user": USER,
            "tenant_id": TENANT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "azure_ad_endpoint": self.url,
            "graph_endpoint": self.url,
            "ca_file": self.ca_file,
            "timeout": 20.0,
        }
        return GraphAccount(**(settings | changes))  # type: ignore[arg-type]

    def deliver(self, content: bytes, at: datetime, **fields: object) -> str:
        """The immutable id."""
        name = f"AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A{len(self.messages):05d}/+=Ab"
        self.messages[name] = Stored(content, at, **fields)  # type: ignore[arg-type]
        return name

    def fail(self, text: str, *answers: Answer) -> None:
        self.faults.setdefault(text, []).extend(answers)

    def count(self, text: str) -> int:
        return sum(text in line for line in self.asked)

    def refuse(self, why: str) -> Answer:
        self.wrong.append(why)
        return refusal(400, "BadRequest", why)

    def answer(self, request: Request) -> Answer:
        self.asked.append(request.line)
        for text, answers in self.faults.items():
            if text in request.line and answers:
                return self._err(answers.pop(0))
        if " " in request.raw or not request.raw.isascii():
            return self.refuse(f"not percent-encoded: {request.raw}")
        if request.path.endswith("/oauth2/v2.0/token"):
            return self._give_token(request)
        try:
            return self._find_obstacle(request) or self._answer_graph(request)
        except BadQueryError as error:
            return self.refuse(str(error))

    def _err(self, answer: Answer) -> Answer:
        pause = answer.headers.get("Retry-After", "")
        self._silent_until = time.monotonic() + float(pause) if pause.isdecimal() else 0.0
        return answer

    def end_pause(self) -> None:
        """As if it were over."""
        self._silent_until = 0.0

    def _give_token(self, request: Request) -> Answer:
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if request.path != f"/{TENANT}/oauth2/v2.0/token":
            return _refuse_tenant(request.path.split("/")[1])
        if form.get("grant_type") != "client_credentials" or form.get("scope") != self.scope:
            return self.refuse(f"token request {sorted(form)}")
        if client != CLIENT:
            words = "Application with identifier 'x' was not found in the directory."
            return entra_refusal(400, "unauthorized_client", 700016, words)
        if secret != self.secret:
            return entra_refusal(401, "invalid_client", 7000215, "Invalid client secret provided.")
        token = uuid.uuid4().hex
        self.tokens.add(token)
        life = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599}
        return as_json(200, {**life, "access_token": token})

    def _find_obstacle(self, request: Request) -> Answer | None:
        if time.monotonic() < self._silent_until:
            self.wrong.append(f"asked within the pause: {request.line}")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            words = "Lifetime validation failed, the token is expired."
            return refusal(401, "InvalidAuthenticationToken", words)
        if request.headers.get("Prefer") != IMMUTABLE:
            return self.refuse("without immutable ids")
        user = request.path.removeprefix("/v1.0/users/").partition("/")[0]
        if user in self.others:
            return self._show_other(self.others[user], request)
        if not request.path.startswith(f"{BASE}/"):
            return refusal(404, "ErrorInvalidUser", "The requested user is invalid.")
        if not self.is_allowed:
            return refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials.")
        return None

    def _show_other(self, is_let_in: bool, request: Request) -> Answer:
        if not is_let_in:
            return refusal(403, "ErrorAccessDenied", "Access to OData is disabled.")
        if request.method != "GET" or not request.path.endswith("/mailFolders/inbox"):
            return self.refuse(f"mail of others: {request.line}")
        return as_json(200, self._folder_row("inbox", self._select(request, FOLDER_FIELDS)))

    def _answer_graph(self, request: Request) -> Answer:
        if request.url in self._links:
            return self._page(*self._links.pop(request.url), request)
        kind, *parts = [
            urllib.parse.unquote(part) for part in request.path.removeprefix(f"{BASE}/").split("/")
        ]
        if kind == "messages" and parts:
            return self._answer_message(parts[0], parts[1:], request)
        answers = {
            (0, ""): lambda: self._list_folders("", request),
            (1, parts[0] if parts else ""): lambda: self._show_folder(parts[0], request),
            (2, "childFolders"): lambda: self._list_folders(parts[0], request),
            (2, "messages"): lambda: self._list_messages(parts[0], request),
        }
        found = answers.get((len(parts), parts[-1] if parts else ""))
        if kind != "mailFolders" or request.method != "GET" or found is None:
            return self.refuse(f"no such thing: {request.line}")
        return found()

    def _select(self, request: Request, known: set[str]) -> set[str]:
        query = request.query
        extra = set(query) - {"$select", "$filter", "$orderby", "$top"}
        fields = set(query.get("$select", "").split(",")) - {""}
        if extra or fields - known:
            raise BadQueryError(f"unknown: {sorted(extra | (fields - known))}")
        if not 1 <= int(query.get("$top", "10")) <= 1000:
            raise BadQueryError("$top is 1 to 1000")
        return fields or known

    def _folder_row(self, name: str, fields: set[str]) -> dict[str, object]:
        inside = [each for each in self.messages.values() if each.folder == name]
        row = {
            "id": name,
            "displayName": self.folders[name][0],
            "totalItemCount": len(inside),
            "unreadItemCount": sum(not each.is_read for each in inside),
            "childFolderCount": sum(parent == name for _, parent in self.folders.values()),
        }
        return {key: value for key, value in row.items() if key in fields}

    def _show_folder(self, name: str, request: Request) -> Answer:
        if name not in self.folders:
            return refusal(404, "ErrorItemNotFound", "The specified folder could not be found.")
        return as_json(200, self._folder_row(name, self._select(request, FOLDER_FIELDS)))

    def _list_folders(self, parent: str, request: Request) -> Answer:
        fields = self._select(request, FOLDER_FIELDS)
        inside = [name for name, (_, above) in self.folders.items() if above == parent]
        return as_json(200, {"value": [self._folder_row(name, fields) for name in inside]})

    def _list_messages(self, folder: str, request: Request) -> Answer:
        fields = self._select(request, MESSAGE_FIELDS)
        if folder not in self.folders:
            return refusal(404, "ErrorItemNotFound", "The specified folder could not be found.")
        text, order = request.query.get("$filter", ""), request.query.get("$orderby", "")
        if not is_efficient(text, order):
            return refusal(400, "InefficientFilter", "The restriction or sort order is too complex")
        test = parse_filter(text) if text else lambda _fields: True
        found = [
            name
            for name, each in self.messages.items()
            if each.folder == folder and test(Fields(each.received_at, each.is_read))
        ]
        if order not in {"", "receivedDateTime asc", "receivedDateTime"}:
            return self.refuse(f"$orderby={order}")
        found.sort(key=lambda name: self.messages[name].received_at, reverse=not order)
        return self._page(found, fields, request)

    def _page(self, found: list[str], fields: set[str], request: Request) -> Answer:
        size = min(int(request.query.get("$top", DEFAULT_PAGE)), self.page_size)
        body: dict[str, object] = {"@odata.context": "x"}
        body["value"] = [self._row(name, fields) for name in found[:size] if name in self.messages]
        if found[size:]:
            path, token = request.path, uuid.uuid4().hex
            link = f"{self.url}{path}?%24skiptoken={token}&%24top={size}"
            self._links[link] = (found[size:], fields)
            body["@odata.nextLink"] = link
        return as_json(200, body)

    def _row(self, name: str, fields: set[str]) -> dict[str, object]:
        each = self.messages[name]
        row = {
            "id": name,
            "isRead": each.is_read,
            "receivedDateTime": each.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return {key: value for key, value in row.items() if key in fields | {"id"}}

    def _answer_message(self, name: str, rest: list[str], request: Request) -> Answer:
        if request.query:
            return self.refuse(f"query: {request.line}")
        if name not in self.messages:
            return refusal(404, "ErrorItemNotFound", "The object was not found in the store.")
        each, what = self.messages[name], [request.method, *rest]
        if what == ["GET", "$value"]:
            return Answer(200, each.content, "text/plain")
        if what == ["PATCH"] and _is_read_mark(request):
            each.is_read = True
            return as_json(200, self._row(name, MESSAGE_FIELDS))
        if what == ["DELETE"] and not request.body:
            each.folder = "deleteditems"
            return Answer(204)
        return self.refuse(f"no such thing: {request.line} {request.body!r}")


def entra_refusal(status: int, error: str, number: int, words: str) -> Answer:
    """As Microsoft Entra words it: the number stands in the text, and in `error_codes`."""
    trace = "0000aaaa-11bb-cccc-dd22-eeeeee333333"
    told = f"AADSTS{number}: {words} Trace ID: {trace} Timestamp: 2026-05-01 12:00:00Z"
    body = {"error": error, "error_description": told, "error_codes": [number], "trace_id": trace}
    return as_json(status, body)


def _refuse_tenant(name: str) -> Answer:
    if "." in name or name.count("-") == 4:  # a domain, or the id of a directory
        return entra_refusal(400, "invalid_request", 90002, f"Tenant '{name}' not found.")
    words = f"Specified tenant identifier '{name}' is neither a valid DNS name, nor a valid"
    return entra_refusal(400, "invalid_request", 900023, f"{words} external domain.")


def _is_read_mark(request: Request) -> bool:
    is_json = request.headers.get("Content-Type") == "application/json"
    return is_json and json.loads(request.body) == {"isRead": True}
