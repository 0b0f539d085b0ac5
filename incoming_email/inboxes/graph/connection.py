"""Requests to Microsoft Graph about one mailbox: tokens, pages, pauses, and error messages."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import httpx

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.login import find_token
from incoming_email.inboxes.https import (
    BUSY,
    MAX_DETAIL,
    Refusal,
    find_deadline,
    find_retry_after,
    https_errors,
    make_client,
    parse_http_date,
    parse_object,
    read_body,
)
from incoming_email.inboxes.limits import HEADER_BYTES, cut_header

HEADERS = {"Prefer": 'IdType="ImmutableId"', "Accept": "application/json"}
"""Immutable ids: the others change when a message is moved."""

PATIENCE_SECONDS = 20.0
"""A longer pause ends the visit; nobody asks again before it is over."""

LASTING_REPEATS = 1
"""An answer 500 about one message may last for ever, so it is not asked for again and again."""

LASTING_CODES = frozenset(
    {"ErrorMimeContentConversionFailed", "ErrorContentConversionFailed", "ErrorItemCorrupt"}
)
"""Answers 500 that say what is wrong with the message: it is not asked for again at once."""

MAX_ANSWER_BYTES = 20_000_000
REMEDIES = {
    401: "Check that Graph endpoint and Azure AD endpoint belong to the same cloud.",
    403: (
        "Give the app the application permission Mail.ReadWrite, with an administrator's consent,"
        " and an access policy that includes this mailbox."
    ),
    404: "Check the user: the address of a mailbox of this directory, with a licence for mail.",
    429: "Nothing to do: it is asked again when the pause is over.",
}
NO_GRAPH = "Check the Graph endpoint: this is not Microsoft Graph."
OTHER_REMEDY = "Nothing to do if it passes; else give the request id to Microsoft's support."


FIRST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)


class GraphRefusal(Refusal):
    """Graph's answer was no."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in a list."""

    id: str
    received_at: datetime
    is_read: bool


@dataclass(frozen=True, slots=True)
class GraphFolder:
    id: str
    name: str
    messages: int = 0
    unread: int = 0


class GraphConnection:
    """Raises InboxError; GraphRefusal where the server refused the request."""

    def __init__(self, account: GraphAccount) -> None:
        self._account = account
        self._mailbox = f"{account.graph_endpoint}/v1.0/users/{quote(account.user, safe='@')}"
        self._client = make_client(ca_file=account.ca_file, timeout=account.timeout)
        self._deadline = 0.0
        self.server_time = datetime.now(UTC)
        """The server's clock at its last answer."""

    def close(self) -> None:
        self._client.close()

    def find_folder(self, folder_id: str) -> GraphFolder:
        fields = {"$select": "id,displayName,totalItemCount,unreadItemCount"}
        path = f"{self._mailbox}/mailFolders/{quote(folder_id, safe='')}"
        return _parse_folder(self._ask(path, fields))

    def list_folders(self, parent_id: str = "") -> list[GraphFolder]:
        inside = f"/{quote(parent_id, safe='')}/childFolders" if parent_id else ""
        path = f"{self._mailbox}/mailFolders{inside}"
        fields = {"$select": "id,displayName", "$top": "100"}
        return [_parse_folder(row) for row in self._ask_pages(path, fields)]

    def list_messages(self, folder_id: str, options: Mapping[str, str]) -> Iterator[Listed]:
        """`options`: `$filter` and `$orderby`. Page by page, as the rows are asked for."""
        path = f"{self._mailbox}/mailFolders/{quote(folder_id, safe='')}/messages"
        fields = {**options, "$select": "id,receivedDateTime,isRead", "$top": "200"}
        return (_parse_listed(row) for row in self._ask_pages(path, fields))

    def read_message(self, message_id: str) -> tuple[bytes, bool]:
        """The MIME bytes; the header alone and True where there are more than we take."""
        limit = self._account.max_message_bytes
        with self._answer("GET", f"{self._message(message_id)}/$value") as response:
            declared = response.headers.get("Content-Length", "")
            oversize = declared.isdecimal() and int(declared) > limit
            content = self._read(response, min(limit, HEADER_BYTES) if oversize else limit)
        if oversize or len(content) > limit:
            return cut_header(content), True
        return content, False

    def mark_read(self, message_id: str) -> None:
        body = {"isRead": True}
        with self._answer("PATCH", self._message(message_id), body=body):
            pass

    def delete(self, message_id: str) -> None:
        """To the folder of deleted items, where the user finds it."""
        with self._answer("DELETE", self._message(message_id)):
            pass

    def _message(self, message_id: str) -> str:
        return f"{self._mailbox}/messages/{quote(message_id, safe='')}"

    def _ask(self, url: str, fields: Mapping[str, str] | None = None) -> dict[str, object]:
        with self._answer("GET", url, fields=fields) as response:
            content = self._read(response, MAX_ANSWER_BYTES)
        answer = parse_object(content)
        if not answer:
            raise InboxError("the answer is no JSON object", remedy=NO_GRAPH)
        return answer

    def _ask_pages(self, url: str, fields: Mapping[str, str]) -> Iterator[dict[str, object]]:
        """Rows of all pages. The link to the next one is used as it is, on our own server only."""
        answer = self._ask(url, fields)
        while True:
            rows = answer.get("value")
            yield from (row for row in (rows if isinstance(rows, list) else []) if row)
            link = answer.get("@odata.nextLink")
            if not isinstance(link, str):
                return
            if not link.startswith(f"{self._account.graph_endpoint}/"):
                raise InboxError(f"the next page is on another server: {link}"[:MAX_DETAIL])
            answer = self._ask(link)

    def _read(self, response: httpx.Response, limit: int) -> bytes:
        return read_body(response, limit=limit, deadline=self._deadline)

    @contextmanager
    def _answer(
        self,
        method: str,
        url: str,
        *,
        fields: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Iterator[httpx.Response]:
        """A good answer, not read yet."""
        request = self._client.build_request(method, url, params=fields, json=body, headers=HEADERS)
        with https_errors(self._account.graph_endpoint):
            response = self._insist(request)
            try:
                yield response
            finally:
                response.close()

    def _insist(self, request: httpx.Request) -> httpx.Response:
        """Waits and repeats where the server is busy, as long as it asks, within our patience.

        The server is Graph, or the one that gives out the tokens for it.
        """
        waited, attempt = 0.0, 0
        while True:
            try:
                return self._send_with_token(request)
            except Refusal as refusal:
                pause = refusal.retry_after or 2.0**attempt
                waited, attempt = waited + pause, attempt + 1
                if refusal.status not in BUSY or waited > PATIENCE_SECONDS:
                    raise
                if refusal.code in LASTING_CODES:
                    raise
                is_fault = refusal.status == httpx.codes.INTERNAL_SERVER_ERROR
                is_of_message = request.url.path.endswith("/$value")
                if is_fault and is_of_message and attempt > LASTING_REPEATS:
                    raise
            time.sleep(pause)

    def _send_with_token(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._send(request, find_token(self._account))
        except GraphRefusal as refusal:
            if refusal.status != httpx.codes.UNAUTHORIZED:
                raise
        return self._send(request, find_token(self._account, renew=True))

    def _send(self, request: httpx.Request, token: str) -> httpx.Response:
        request.headers["Authorization"] = f"Bearer {token}"
        self._deadline = find_deadline(self._account.timeout)
        response = self._client.send(request, stream=True)
        self.server_time = parse_http_date(response.headers.get("Date", "")) or datetime.now(UTC)
        if response.is_success:
            return response
        try:
            raise self._find_refusal(response)
        finally:
            response.close()

    def _find_refusal(self, response: httpx.Response) -> GraphRefusal:
        """Out of `{"error": {"code", "message", "innerError": {"request-id"}}}`, if it is that."""
        error = _find_dict(parse_object(self._read(response, MAX_DETAIL * 40)), "error")
        code, message = str(error.get("code", "")), str(error.get("message", ""))
        request_id = _find_dict(error, "innerError").get("request-id", "")
        words = [f"{response.status_code} {code}".strip(), message]
        words += [f"request id {request_id}"] if request_id else []
        return GraphRefusal(
            response.status_code,
            code,
            ": ".join(filter(None, words)),
            remedy=REMEDIES.get(response.status_code, OTHER_REMEDY),
            retry_after=find_retry_after(response),
        )


def _find_dict(row: Mapping[str, object], name: str) -> dict[str, object]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _parse_listed(row: Mapping[str, object]) -> Listed:
    return Listed(
        id=str(row.get("id", "")),
        received_at=parse_moment(str(row.get("receivedDateTime", ""))),
        is_read=row.get("isRead") is True,
    )


def parse_moment(text: str) -> datetime:
    """ISO 8601 with a zone; the beginning of time for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return FIRST_MOMENT
    return moment if moment.tzinfo else FIRST_MOMENT


def _parse_folder(row: Mapping[str, object]) -> GraphFolder:
    def count(name: str) -> int:
        value = row.get(name)
        return value if isinstance(value, int) else 0

    return GraphFolder(
        id=str(row.get("id", "")),
        name=str(row.get("displayName", "")),
        messages=count("totalItemCount"),
        unread=count("unreadItemCount"),
    )
