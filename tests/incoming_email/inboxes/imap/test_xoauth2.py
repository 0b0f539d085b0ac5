"""Logging in to a real Dovecot with OAuth tokens."""

import pytest

from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.opening import open_inbox
from tests.servers.dovecot import Dovecot
from tests.servers.fake_imap import FakeImap
from tests.servers.oauth import Introspection, TokenEndpoint
from tests.servers.reading import contents, mail, read_all, refusal

pytestmark = pytest.mark.services


@pytest.fixture
def account(
    oauth_dovecot: Dovecot, introspection: Introspection, endpoint: TokenEndpoint
) -> ImapAccount:
    """Its tokens come from `endpoint`, and Dovecot knows them."""
    user = oauth_dovecot.take_user()
    endpoint.user = user
    introspection.access_tokens = endpoint.access_tokens
    return oauth_dovecot.account(user, password="", oauth=endpoint.client())


def test_mail_is_read_with_a_token(oauth_dovecot: Dovecot, account: ImapAccount) -> None:
    oauth_dovecot.append(account.user, mail("one"))
    with open_inbox(account) as inbox:
        assert contents(read_all(inbox)) == [mail("one")]


def test_a_token_that_was_withdrawn_is_replaced_once(
    account: ImapAccount, endpoint: TokenEndpoint
) -> None:
    with open_inbox(account):
        pass
    endpoint.access_tokens.clear()

    with open_inbox(account) as inbox:
        assert read_all(inbox) == []
    assert len(endpoint.forms) == 2


def test_a_token_that_is_refused_twice_is_said_and_not_shown(
    account: ImapAccount, introspection: Introspection, endpoint: TokenEndpoint
) -> None:
    introspection.access_tokens = {}
    error = refusal(account)
    assert "AUTHENTICATIONFAILED" in error.detail
    assert "status" in error.detail
    assert "access-token" not in error.detail
    assert "gave consent" in error.remedy
    assert len(endpoint.forms) == 2


def test_consent_that_has_ended_is_said(account: ImapAccount, endpoint: TokenEndpoint) -> None:
    endpoint.refresh_tokens.clear()
    assert "consent has ended" in refusal(account).remedy


def test_a_server_without_xoauth2_gets_no_token(endpoint: TokenEndpoint) -> None:
    with FakeImap({}) as server:
        error = refusal(server.account(oauth=endpoint.client()))
        assert error.detail == "the server offers no XOAUTH2"
        assert server.sent("AUTHENTICATE") == []
    assert endpoint.forms == []


def test_a_connection_that_breaks_at_the_login_does_not_cost_a_token(
    endpoint: TokenEndpoint,
) -> None:
    with FakeImap({}, capability="IMAP4rev1 AUTH=XOAUTH2") as server:
        server.script("AUTHENTICATE", b"", then="drop")
        error = refusal(server.account(oauth=endpoint.client()))
    assert "connection broke" in error.remedy
    assert len(endpoint.forms) == 1
