"""What several inbox methods ask for, say or look at in the same way."""

from pathlib import PurePath
from urllib.parse import urlsplit

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Advice, Field, Option, Section

NOTHING_TO_POLL = _("There is nothing to poll: mail is delivered to this mailbox.")
PLUS = "incoming+%{key}@"
OWN_SUBDOMAIN = _(
    "Use a domain of its own, for example a subdomain: who gets mail at an address of your"
    " organisation can confirm accounts elsewhere in its name."
)
REGISTER_APP = _(
    "Microsoft Entra admin centre: register an app, note the tenant id and the client id, make a"
    " client secret and enter its value here."
)
NOT_FOR_IT = _(
    "The token of this mailbox's command is sent by TLS only, and only to the host that"
    " IMAP_TOKEN_COMMANDS names for it in the environment."
)
NOT_IN_FOLDER = Advice(
    _("the mail server accepted the mail, but it has not arrived in the folder"),
    _(
        "Look for “%(name)s” in its log and in the junk folder, and whether"
        " sub-addresses or the catch-all lead into this mailbox. If the provider has no"
        " sub-addresses, take incoming-%%{key}@ with a catch-all mailbox, or another provider;"
        " without %%{key} only replies are taken."
    ),
)


def find_https_problem(url: str) -> str:
    return "" if not url or is_https(url) else _NOT_HTTPS


def find_path_problem(path: str) -> str:
    return "" if not path or PurePath(path).is_absolute() else _NOT_WHOLE


_NOT_HTTPS = _("Enter a URL that begins with https:// and names a host.")
_NOT_WHOLE = _("Enter the whole path, from / on.")

ACCOUNT = Section(
    _("Account and folder"),
    (
        Field("user"),
        Field("login_method", has_default=True),
        Field("password"),
        Field("folder"),
        Field("delete_after_delivery"),
        Field("starts_at"),
    ),
)
APP = Section(
    _("App at the provider"),
    (
        Field("tenant_id"),
        Field("client_id"),
        Field("client_secret"),
        Field("token_endpoint", find_problem=find_https_problem),
        Field("token_scope"),
        Field("refresh_token"),
    ),
    _(
        "For Microsoft Graph and for IMAP by OAuth: the app as it is registered at the provider."
        " IMAP needs the token endpoint, and a refresh token or a scope that the app has by itself."
    ),
)

USER = Option("user", "user", is_needed=True)
FOLDER = Option("mailbox", "folder")
DELETE = Option("delete_after_delivery", "delete_after_delivery")


def is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None
