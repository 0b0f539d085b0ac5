"""Where MAILBOX_LOCAL_NETWORKS is off, no mailbox connects to this machine or its networks."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.https import HttpsClient
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.oauth_client import OAuthClient
from incoming_email.inboxes.oauth_tokens import find_access_token
from incoming_email.inboxes.opening import open_inbox
from incoming_email.networks import FORBIDDEN, USE_PUBLIC_HOST
from tests.incoming_email.factories import MailboxFactory
from tests.servers.https import Answer, LocalServer, make_server_certificate


@pytest.fixture
def port() -> Iterator[int]:
    """Nobody connects to it, or the test fails."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::ffff:127.0.0.1"])
def test_no_imap_server_of_a_local_network_is_connected_to(port: int, host: str) -> None:
    account = ImapAccount(host=host, port=port, local_networks=False)
    with pytest.raises(InboxError) as refused, open_inbox(account):
        pass
    assert (refused.value.detail, refused.value.remedy) == (FORBIDDEN, USE_PUBLIC_HOST)


def test_no_token_is_asked_for_in_a_local_network(port: int) -> None:
    client = OAuthClient(
        token_endpoint=f"https://localhost:{port}/token", client_id="a", local_networks=False
    )
    with pytest.raises(InboxError) as refused:
        find_access_token(client)
    assert FORBIDDEN in refused.value.detail
    assert refused.value.remedy == USE_PUBLIC_HOST


def test_no_graph_of_a_local_network_is_connected_to(port: int) -> None:
    endpoint = f"https://127.0.0.1:{port}"
    account = GraphAccount(
        user="a@b.c",
        tenant_id="t",
        client_id="c",
        client_secret="s",
        azure_ad_endpoint=endpoint,
        graph_endpoint=endpoint,
        local_networks=False,
    )
    with pytest.raises(InboxError, match=FORBIDDEN), open_inbox(account):
        pass


def test_a_public_host_is_connected_to_and_named_as_before(monkeypatch, tmp_path) -> None:
    asked: list[str] = []
    monkeypatch.setattr("incoming_email.networks.is_public", lambda _address: True)

    class Server(LocalServer):
        def answer(self, request):
            asked.append(request.headers["Host"])
            return Answer(200)

    with (
        Server(make_server_certificate(tmp_path)) as server,
        closing(HttpsClient(ca_file=server.ca_file, timeout=5, local_networks=False)) as client,
    ):
        said = client.ask("GET", f"{server.url}/", limit=1000)

    assert said.is_success
    assert asked == [server.url.removeprefix("https://")]


@pytest.mark.django_db
@pytest.mark.parametrize("allowed", [True, False])
def test_the_setting_reaches_every_connection_of_a_mailbox(settings, allowed: bool) -> None:
    settings.MAILBOX_LOCAL_NETWORKS = allowed
    mailbox = MailboxFactory(login_method="xoauth2", client_id="a")
    account = mailbox.account()
    mailbox.inbox_method = "microsoft_graph"
    graph = mailbox.account()

    assert isinstance(account, ImapAccount)
    assert account.oauth is not None
    assert isinstance(graph, GraphAccount)
    assert {account.local_networks, account.oauth.local_networks, graph.local_networks} == {allowed}
    assert replace(account, local_networks=not allowed) != account
