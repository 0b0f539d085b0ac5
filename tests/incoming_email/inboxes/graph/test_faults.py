"""What Microsoft Graph may refuse, how long it may want to be left alone, what people are told."""

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph import connection as graph_connection
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.https import parse_retry_after
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import free_ports
from tests.servers.graph import SECRET, FakeGraph, refusal
from tests.servers.https import Answer
from tests.servers.reading import contents, mail, read_all
from tests.servers.reading import refusal as fault_of
from tests.servers.talking import talking

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


def throttled(seconds: str) -> Answer:
    return refusal(429, "ApplicationThrottled", "over its limit", Retry_After=seconds)


def read(account: GraphAccount) -> list[bytes]:
    with open_inbox(account) as inbox:
        return contents(read_all(inbox))


@pytest.mark.parametrize("text", ["mailFolders/inbox?", "/messages?", "$value", "DELETE"])
def test_a_short_pause_is_waited_out_and_nobody_asks_within_it(graph: FakeGraph, text: str) -> None:
    graph.deliver(mail("a"), MAY)
    graph.fail(text, throttled("1"))
    started = time.monotonic()

    assert read(graph.account()) == [mail("a")]

    assert time.monotonic() - started > 1


def test_a_long_pause_ends_the_visit_and_is_told(graph: FakeGraph) -> None:
    graph.fail("/messages?", throttled("600"))
    with open_inbox(graph.account()) as inbox, pytest.raises(InboxError) as caught:
        read_all(inbox)
    assert caught.value.retry_after == 600
    assert "429 ApplicationThrottled: over its limit: request id r-1" in caught.value.detail


def test_a_long_pause_in_the_middle_loses_nothing(graph: FakeGraph) -> None:
    graph.deliver(mail("first"), MAY)
    second = graph.deliver(mail("second"), MAY + timedelta(seconds=1))
    graph.fail(f"{second}/$value", throttled("600"))

    with pytest.raises(InboxError, match="429"):
        read(graph.account(batch_count=1))
    assert graph.messages[second].folder == "inbox"

    graph.end_pause()
    assert read(graph.account()) == [mail("second")]


def test_a_busy_server_without_a_wish_is_asked_again_after_growing_pauses(
    graph: FakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(graph_connection.time, "sleep", pauses.append)
    graph.deliver(mail("a"), MAY)
    graph.fail("/messages?", refusal(503, "ServiceUnavailable"), refusal(504, "Timeout"))

    assert read(graph.account()) == [mail("a")]
    assert pauses == [1.0, 2.0]

    graph.fail("/messages?", *[refusal(503, "ServiceUnavailable")] * 9)
    with pytest.raises(InboxError, match="503") as caught:
        read(graph.account())
    assert pauses[2:] == [1.0, 2.0, 4.0, 8.0]
    assert caught.value.retry_after == 0


@pytest.mark.parametrize("text", ["mailFolders/inbox?", "/messages?", "$value", "DELETE"])
def test_an_expired_token_is_renewed_once(graph: FakeGraph, text: str) -> None:
    graph.deliver(mail("a"), MAY)
    graph.fail(text, refusal(401, "InvalidAuthenticationToken"))

    assert read(graph.account()) == [mail("a")]

    assert graph.count("oauth2/v2.0/token") == 2


def test_a_new_token_that_is_refused_too_is_an_inbox_error(graph: FakeGraph) -> None:
    graph.fail("mailFolders", *[refusal(401, "InvalidAuthenticationToken")] * 2)
    error = fault_of(graph.account())
    assert error.detail.startswith("401 InvalidAuthenticationToken")
    assert "same cloud" in error.remedy


@pytest.mark.parametrize(
    ("changes", "sign", "remedy"),
    [
        ({"client_secret": "wrong-secret"}, "AADSTS7000215", "value of the client secret"),
        ({"client_id": "nobody"}, "AADSTS700016", "Check the client id"),
        ({"tenant_id": "nobody"}, "AADSTS900023", "Check the tenant id"),
        ({"tenant_id": "nobody.example.com"}, "AADSTS90002:", "Check the tenant id"),
        ({"client_secret": ""}, "no client secret", "Enter it"),
        ({"user": "nobody@example.com"}, "404 ErrorInvalidUser", "Check the user"),
        ({"folder": "deleted"}, "there are: Inbox, Deleted Items", "Choose one"),
    ],
)
def test_a_refused_login_says_what_to_do(
    graph: FakeGraph, changes: dict[str, str], sign: str, remedy: str
) -> None:
    error = fault_of(graph.account(**changes))
    assert sign in error.detail
    assert remedy in error.remedy
    assert SECRET not in error.detail
    assert "wrong-secret" not in error.detail


def test_an_app_without_the_right_is_told_which_one(graph: FakeGraph) -> None:
    graph.is_allowed = False
    error = fault_of(graph.account())
    assert error.detail.startswith("403 ErrorAccessDenied: Access is denied.")
    assert "Mail.ReadWrite" in error.remedy


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("inbox", "inbox"),
        ("INBOX", "inbox"),
        ("Support", "f-support"),
        ("support/Entwürfe", "f-drafts"),
        ("inbox/Tickets", "f-tickets"),
        ("A/B", "f-slash"),
        ("f-drafts", None),
        ("f-support", "f-support"),
        ("Support/none", None),
    ],
)
def test_a_folder_is_found_by_its_name_and_place(
    graph: FakeGraph, name: str, found: str | None
) -> None:
    graph.folders |= {
        "f-support": ("Support", ""),
        "f-drafts": ("Entwu\u0308rfe", "f-support"),
        "f-tickets": ("Tickets", "inbox"),
        "f-slash": ("A/B", ""),
    }
    graph.deliver(mail("a"), MAY, folder=found or "inbox")
    if found:
        assert read(graph.account(folder=name)) == [mail("a")]
    else:
        assert "does not exist; there are:" in fault_of(graph.account(folder=name)).detail


def test_a_download_that_breaks_off_is_no_mail(graph: FakeGraph) -> None:
    graph.deliver(mail("a"), MAY)
    graph.fail("$value", Answer(200, b"Subject: a\r\n", headers={"Content-Length": "500"}))
    with open_inbox(graph.account(timeout=0.5)) as inbox:
        (message,) = chain.from_iterable(inbox.unread())
    assert (message.content, bool(message.fault)) == (b"", True)
    assert read(graph.account()) == [mail("a")]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"{}"])
def test_an_answer_that_is_not_graphs_is_said(graph: FakeGraph, body: bytes) -> None:
    graph.fail("mailFolders", Answer(200, body))
    error = fault_of(graph.account())
    assert "no JSON object" in error.detail
    assert "Graph endpoint" in error.remedy


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"value": 7}', b'{"value": [null]}', b'{"value": [{}]}', b'{"value": ["a", 7, [1]]}'),
        *(b'{"value": [{"id": 7}, {"id": "a\\r\\nb"}]}', b'{"value": {"a": 1}}'),
        *(b'{"value": [], "@odata.nextLink": 7}', b'{"value": ' + b"[" * 300 + b"]" * 300 + b"}"),
    ],
)
def test_rows_that_are_none_are_no_mail(graph: FakeGraph, body: bytes) -> None:
    graph.fail("/messages?", Answer(200, body))
    assert read(graph.account()) == []


def reading_fault(graph: FakeGraph) -> InboxError:
    with pytest.raises(InboxError) as caught:
        read(graph.account())
    return caught.value


def test_pages_that_lead_to_themselves_end(graph: FakeGraph) -> None:
    graph.deliver(mail("a"), MAY)
    link = f"{graph.url}/v1.0/users/x/again"
    graph.fail("/messages?", Answer(200, json.dumps({"@odata.nextLink": link}).encode()))
    graph.fail("/again", *[Answer(200, json.dumps({"@odata.nextLink": link}).encode())] * 5)
    assert reading_fault(graph).detail == graph_connection.ENDLESS_LIST
    assert graph.count("/again") == 1


def test_pages_without_end_end(graph: FakeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_connection, "MAX_PAGES", 5)
    base = f"{graph.url}/v1.0/users/x"
    pages = [json.dumps({"@odata.nextLink": f"{base}/page{n}"}).encode() for n in range(9)]
    graph.fail("/messages?", Answer(200, pages[0]))
    for number, page in enumerate(pages[1:]):
        graph.fail(f"/page{number}", Answer(200, page))
    assert reading_fault(graph).detail == graph_connection.ENDLESS_LIST


@pytest.mark.parametrize("end", ["https://evil.example.com/", "{url}.evil.example.com/", "//x/"])
def test_no_page_is_asked_of_another_server(graph: FakeGraph, end: str) -> None:
    link = end.format(url=graph.url)
    graph.fail("/messages?", Answer(200, json.dumps({"@odata.nextLink": link}).encode()))
    assert "the next page is on another server" in reading_fault(graph).detail


def test_a_message_beyond_the_limit_is_not_read_to_its_end(graph: FakeGraph) -> None:
    head = b"Subject: long\r\n\r\n"
    graph.deliver(head + b"x" * 5_000_000, MAY)
    with open_inbox(graph.account(max_message_bytes=1_000_000)) as inbox:
        ((message,),) = list(inbox.unread())
    assert (message.content, message.oversize) == (head, True)


def test_a_redirect_is_not_followed(graph: FakeGraph) -> None:
    graph.fail("mailFolders", Answer(302, headers={"Location": "https://evil.example.com/"}))
    assert fault_of(graph.account()).detail == "302"


def test_an_unknown_authority_is_refused(graph: FakeGraph) -> None:
    error = fault_of(graph.account(ca_file=""))
    assert "CERTIFICATE_VERIFY_FAILED" in error.detail
    assert "HTTPS_CA_FILE" in error.remedy


def test_a_ca_file_that_is_not_there_is_said(graph: FakeGraph, tmp_path: Path) -> None:
    error = fault_of(graph.account(ca_file=str(tmp_path / "none.pem")))
    assert "none.pem" in error.detail


def test_a_port_that_nobody_listens_on(graph: FakeGraph) -> None:
    (port,) = free_ports(1)
    error = fault_of(graph.account(azure_ad_endpoint=f"https://localhost:{port}"))
    assert error.detail.startswith("localhost: ")
    assert "Check the host name localhost" in error.remedy


def test_a_silent_server_is_given_up(graph: FakeGraph) -> None:
    with talking(b"") as port:
        account = graph.account(azure_ad_endpoint=f"https://localhost:{port}", timeout=0.3)
        assert "firewall" in fault_of(account).remedy


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Fri, 01 May 2026 12:00:30 GMT", 30),
        ("Fri, 01 May 2026 11:00:00 GMT", 0),
        ("999999", 3600),
        ("-3", 0),
        ("soon", 0),
        ("", 0),
    ],
)
def test_a_wish_for_a_pause_is_read_in_both_forms(text: str, seconds: float) -> None:
    assert parse_retry_after(text, now=NOW) == seconds
