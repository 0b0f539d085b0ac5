"""Tokens for Microsoft Graph: asked for once, at the right place; refused and throttled."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.login import find_token
from incoming_email.inboxes.opening import open_inbox
from tests.servers.graph import SECRET, FakeGraph, as_json, entra_refusal
from tests.servers.reading import contents, mail, read_all
from tests.servers.reading import refusal as fault_of

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


def read(account: GraphAccount) -> list[bytes]:
    with open_inbox(account) as inbox:
        return contents(read_all(inbox))


def test_a_token_is_kept_from_visit_to_visit(graph: FakeGraph) -> None:
    for _ in range(3):
        read(graph.account())
    assert graph.count("oauth2/v2.0/token") == 1


def test_mailboxes_of_one_app_share_its_token_and_other_apps_have_their_own(
    graph: FakeGraph,
) -> None:
    graph.others = {"second@example.onmicrosoft.com": True}
    first, second = graph.account(), graph.account(user="second@example.onmicrosoft.com")
    assert find_token(first) == find_token(second)
    assert graph.count("oauth2/v2.0/token") == 1

    assert find_token(graph.account(timeout=6.0)) != find_token(first)


def test_a_token_is_asked_for_at_the_endpoint_of_its_cloud_and_nowhere_else(
    graph: FakeGraph, certificate: Path
) -> None:
    graph.deliver(mail("a"), MAY)
    with FakeGraph(certificate) as login:
        login.tokens, login.scope = graph.tokens, f"{graph.url}/.default"
        account = graph.account(azure_ad_endpoint=login.url, tenant_id="tenant-1")
        assert read(account) == [mail("a")]
    assert login.asked == ["POST /tenant-1/oauth2/v2.0/token"]
    assert graph.count("oauth2") == 0


def test_a_tenant_id_can_lead_nowhere_else(graph: FakeGraph) -> None:
    account = graph.account(tenant_id="tenant-1/oauth2/v2.0/token?x=")
    assert "Check the tenant id" in fault_of(account).remedy
    assert graph.asked == ["POST /tenant-1/oauth2/v2.0/token?x=/oauth2/v2.0/token"]


def test_a_busy_login_is_waited_for_as_long_as_it_asks(graph: FakeGraph) -> None:
    graph.deliver(mail("a"), MAY)
    words = {"error": "temporarily_unavailable", "error_description": "AADSTS90033: Try again."}
    graph.fail("oauth2/v2.0/token", as_json(429, words, Retry_After="1"), as_json(503, words))
    started = time.monotonic()

    assert read(graph.account()) == [mail("a")]

    assert time.monotonic() - started > 2
    assert graph.count("oauth2/v2.0/token") == 3


def test_a_login_that_is_busy_for_long_ends_the_visit(graph: FakeGraph) -> None:
    graph.fail("oauth2/v2.0/token", as_json(429, {"error": "slow_down"}, Retry_After="600"))
    error = fault_of(graph.account())
    assert error.detail == "token endpoint: 429 slow_down"
    assert error.retry_after == 600
    assert graph.count("oauth2/v2.0/token") == 1


@pytest.mark.parametrize(
    ("status", "code", "number", "remedy"),
    [
        (401, "invalid_client", 7000222, "has expired"),
        (400, "invalid_request", 900382, "Azure AD endpoint is that of its cloud"),
        (400, "invalid_resource", 500011, "Check the Graph endpoint"),
        (400, "invalid_request", 90014, "against the app's registration"),
    ],
)
def test_an_answer_of_entra_says_what_to_do(
    graph: FakeGraph, status: int, code: str, number: int, remedy: str
) -> None:
    graph.fail("oauth2/v2.0/token", entra_refusal(status, code, number, "In Microsoft's words."))
    error = fault_of(graph.account())
    assert error.detail.startswith(f"token endpoint: {status} {code}: AADSTS{number}: In")
    assert remedy in error.remedy


def test_a_secret_that_the_login_repeats_is_cut_out(graph: FakeGraph) -> None:
    words = f"The secret {SECRET} is not that of {'x' * 460}{SECRET}"
    graph.fail("oauth2/v2.0/token", entra_refusal(401, "invalid_client", 7000215, words))
    error = fault_of(graph.account())
    assert "The secret [secret] is not" in error.detail
    assert SECRET[:8] not in error.detail
