"""Access tokens for Microsoft Graph: the app asks in its own name (client credentials)."""

from functools import lru_cache

import msal
from msal.exceptions import MsalError

from incoming_email.inboxes.accounts import GraphAccount
from incoming_email.inboxes.base import InboxError
from incoming_email.inboxes.https import MAX_DETAIL, https_errors, make_client

WRONG_TENANT = "Check the tenant id, and that the Azure AD endpoint is that of its cloud."
REMEDIES = (
    ("AADSTS7000222", "The client secret has expired: make a new one for the app and enter it."),
    ("AADSTS7000215", "Enter the value of the client secret, not its id."),
    ("AADSTS700016", "Check the client id: this directory has no such app."),
    ("AADSTS90002", WRONG_TENANT),
    ("authority configuration", WRONG_TENANT),
)
OTHER_REMEDY = "Check tenant id, client id and client secret against the app's registration."


@lru_cache(maxsize=64)
def _find_application(account: GraphAccount) -> msal.ConfidentialClientApplication:
    """Stays in this process, with the token it got. Asks for the tenant's endpoints once."""
    return msal.ConfidentialClientApplication(
        account.client_id,
        client_credential=account.client_secret,
        authority=f"{account.azure_ad_endpoint}/{account.tenant_id}",
        instance_discovery=False,  # that would ask a server of the public cloud
        http_client=make_client(ca_file=account.ca_file, timeout=account.timeout, keep_alive=False),
    )


def find_token(account: GraphAccount, *, renew: bool = False) -> str:
    """The one we have, or a new one when it ends soon or is to be renewed. Raises InboxError."""
    if not account.client_secret:
        raise InboxError("no client secret is stored", remedy="Enter it in the admin.")
    try:
        with https_errors(account.azure_ad_endpoint):
            application = _find_application(account)
            if renew:
                application.remove_tokens_for_client()
            scopes = [f"{account.graph_endpoint}/.default"]
            answer = application.acquire_token_for_client(scopes=scopes)
    except (MsalError, ValueError, LookupError, RuntimeError) as error:
        raise _refusal(str(error)) from error
    token = answer.get("access_token")
    if not token:
        raise _refusal(str(answer.get("error_description") or answer.get("error") or "no token"))
    return str(token)


def _refusal(words: str) -> InboxError:
    remedy = next((text for sign, text in REMEDIES if sign in words), OTHER_REMEDY)
    return InboxError(words[:MAX_DETAIL], remedy=remedy)
