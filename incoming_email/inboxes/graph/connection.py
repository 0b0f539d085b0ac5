"""Requests to Microsoft Graph about one mailbox: tokens, pages, pauses, and error messages."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.login import find_token
from incoming_email.inboxes.https import (
    BUSY,
    MAX_DETAIL,
    HttpAnswer,
    HttpsClient,
    Refusal,
    find_retry_after,
    find_text,
    is_token,
    parse_http_date,
    parse_object,
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

MAX_ANSWER_BYTES = 4_000_000
MAX_PAGES = 1_000
"""Of one list; at 200 rows a page."""

LIST_TIMEOUTS = MESSAGE_TIMEOUTS = 4
"""All pages of a list, and one message, may take so many times as long as another answer."""

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
ENDLESS_LIST = "the list has too many pages, or a page that leads to itself"
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
        self._client = HttpsClient(
            ca_file=account.ca_file,
            timeout=account.timeout,
            local_networks=account.local_networks,
        )
        self.server_time = datetime.now(UTC)
        """The server's clock at its last answer."""

    def close(self) -> None:
        self._client.close()

    def find_folder(self, folder_id: str) -> GraphFolder:
        fields = {"$select": "id,displayName,totalItemCount,unreadItemCount"}
        path = f"{self._mailbox}/mailFolders/{quote(folder_id, safe='')}"
        return _parse_folder(self._ask_object(path, fields))

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
        answer = self._ask(
            "GET",
            f"{self._message(message_id)}/$value",
            limit=self._account.max_message_bytes,
            start=HEADER_BYTES,
            seconds=self._account.timeout * MESSAGE_TIMEOUTS,
        )
        return (answer.body, False) if answer.is_whole else (cut_header(answer.body), True)

    def mark_read(self, message_id: str) -> None:
        self._ask("PATCH", self._message(message_id), json={"isRead": True})

    def delete(self, message_id: str) -> None:
        """To the folder of deleted items, where the user finds it."""
        self._ask("DELETE", self._message(message_id))

    def _message(self, message_id: str) -> str:
        return f"{self._mailbox}/messages/{quote(message_id, safe='')}"

    def _ask_object(self, url: str, fields: Mapping[str, str] | None = None) -> dict[str, object]:
        answer = self._ask("GET", url, params=fields)
        found = parse_object(answer.body) if answer.is_whole else {}
        if not found:
            raise InboxError("the answer is no JSON object", remedy=NO_GRAPH)
        return found

    def _ask_pages(self, url: str, fields: Mapping[str, str]) -> Iterator[dict[str, object]]:
        """Rows of all pages. The link to the next one is used as it is, on our own server only."""
        deadline = time.monotonic() + self._account.timeout * LIST_TIMEOUTS
        answer, seen = self._ask_object(url, fields), {url}
        while True:
            rows = answer.get("value")
            yield from (row for row in (rows if isinstance(rows, list) else []) if _is_row(row))
            link = answer.get("@odata.nextLink")
            if not isinstance(link, str):
                return
            if not link.startswith(f"{self._account.graph_endpoint}/"):
                raise InboxError(f"the next page is on another server: {link}"[:MAX_DETAIL])
            if link in seen or len(seen) >= MAX_PAGES or time.monotonic() > deadline:
                raise InboxError(ENDLESS_LIST, remedy=OTHER_REMEDY)
            seen.add(link)
            answer = self._ask_object(link)

    def _ask(self, method: str, url: str, **given: Any) -> HttpAnswer:
        """A good answer. Waits and repeats where the server is busy, as long as it asks, within our
        patience.

        The server is Graph, or the one that gives out the tokens for it.
        """
        waited, attempt = 0.0, 0
        while True:
            try:
                return self._ask_with_token(method, url, **given)
            except Refusal as refusal:
                pause = refusal.retry_after or 2.0**attempt
                waited, attempt = waited + pause, attempt + 1
                if refusal.status not in BUSY or waited > PATIENCE_SECONDS:
                    raise
                if refusal.code in LASTING_CODES:
                    raise
                is_fault = refusal.status == httpx.codes.INTERNAL_SERVER_ERROR
                is_of_message = url.endswith("/$value")
                if is_fault and is_of_message and attempt > LASTING_REPEATS:
                    raise
            time.sleep(pause)

    def _ask_with_token(self, method: str, url: str, **given: Any) -> HttpAnswer:
        try:
            return self._ask_once(find_token(self._account), method, url, **given)
        except GraphRefusal as refusal:
            if refusal.status != httpx.codes.UNAUTHORIZED:
                raise
        return self._ask_once(find_token(self._account, renew=True), method, url, **given)

    def _ask_once(
        self, token: str, method: str, url: str, *, limit: int = MAX_ANSWER_BYTES, **given: Any
    ) -> HttpAnswer:
        headers = {**HEADERS, "Authorization": f"Bearer {token}"}
        answer = self._client.ask(method, url, headers=headers, limit=limit, **given)
        self.server_time = parse_http_date(answer.headers.get("Date", "")) or datetime.now(UTC)
        if not answer.is_success:
            raise _find_refusal(answer)
        return answer


def _find_refusal(answer: HttpAnswer) -> GraphRefusal:
    """Out of `{"error": {"code", "message", "innerError": {"request-id"}}}`, if it is that."""
    error = _find_dict(parse_object(answer.body), "error")
    code, message = find_text(error, "code"), find_text(error, "message")
    request_id = find_text(_find_dict(error, "innerError"), "request-id")
    words = [f"{answer.status} {code}".strip(), message]
    words += [f"request id {request_id}"] if request_id else []
    return GraphRefusal(
        answer.status,
        code,
        ": ".join(filter(None, words)),
        remedy=REMEDIES.get(answer.status, OTHER_REMEDY),
        retry_after=find_retry_after(answer),
    )


def _is_row(value: object) -> bool:
    """Whether it names something that can be asked for; its id becomes a part of a URL."""
    return isinstance(value, dict) and is_token(value.get("id"))


def _find_dict(row: Mapping[str, object], name: str) -> dict[str, object]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _parse_listed(row: Mapping[str, object]) -> Listed:
    return Listed(
        id=find_text(row, "id"),
        received_at=parse_moment(find_text(row, "receivedDateTime")),
        is_read=row.get("isRead") is True,
    )


def parse_moment(text: str) -> datetime:
    """ISO 8601 with a zone; the beginning of time for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else FIRST_MOMENT
    except (ValueError, OverflowError):
        return FIRST_MOMENT


def _parse_folder(row: Mapping[str, object]) -> GraphFolder:
    def count(name: str) -> int:
        value = row.get(name)
        return value if isinstance(value, int) else 0

    return GraphFolder(
        id=find_text(row, "id"),
        name=find_text(row, "displayName"),
        messages=count("totalItemCount"),
        unread=count("unreadItemCount"),
    )
