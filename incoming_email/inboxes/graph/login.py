"""Access tokens for Microsoft Graph: the app asks in its own name (client credentials)."""

from urllib.parse import quote

from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.oauth_client import OAuthClient
from incoming_email.inboxes.oauth_tokens import find_access_token


def find_token(account: GraphAccount, *, renew: bool = False) -> str:
    """An access token for Microsoft Graph: the one that this process has, or a new one when it
    expires soon or `renew` is set.

    Mailboxes of one app share it. Raises InboxError.
    """
    if not account.client_secret:
        raise InboxError("no client secret is stored", remedy="Enter it in the admin.")
    return find_access_token(_make_client(account), renew=renew)


def _make_client(account: GraphAccount) -> OAuthClient:
    """The v2.0 endpoint has the same path in every cloud, so nothing needs to be discovered."""
    tenant = quote(account.tenant_id, safe="")
    return OAuthClient(
        token_endpoint=f"{account.azure_ad_endpoint}/{tenant}/oauth2/v2.0/token",
        client_id=account.client_id,
        client_secret=account.client_secret,
        scope=f"{account.graph_endpoint}/.default",
        ca_file=account.ca_file,
        local_networks=account.local_networks,
        timeout=account.timeout,
    )
