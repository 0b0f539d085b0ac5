"""Ready-made settings for providers of IMAP, each with the steps to take there."""

from collections.abc import Mapping

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.imap.account import XOAUTH2
from incoming_email.inboxes.methods import Preset
from incoming_email.inboxes.shared import OWN_SUBDOMAIN, PLUS, REGISTER_APP

_IMAPS: Mapping[str, str | int | bool] = {"port": 993, "ssl": True}

PRESETS = (
    Preset(
        "gmail",
        _("Gmail, by app password"),
        {**_IMAPS, "host": "imap.gmail.com", "address": f"{PLUS}gmail.com"},
        (
            _("Gmail settings, Forwarding and POP/IMAP: switch IMAP on."),
            _("Google account, Security: switch 2-step verification on and make an app password."),
            _("The user is the account's own address, not an alias; the password is the app's."),
            _("Gmail has sub-addresses by nature: nothing has to be set for %{key}."),
        ),
    ),
    Preset(
        "gmail-oauth",
        _("Gmail, by OAuth"),
        {
            **_IMAPS,
            "host": "imap.gmail.com",
            "address": f"{PLUS}gmail.com",
            "login_method": XOAUTH2,
            "token_endpoint": "https://oauth2.googleapis.com/token",
        },
        (
            _("Google Cloud console: make an OAuth client, note its id and secret."),
            _("Give consent once for the scope https://mail.google.com/ with offline access."),
            _("Enter the refresh token that this gives. The scope here stays empty."),
        ),
    ),
    Preset(
        "office365",
        _("Office 365, by OAuth"),
        {
            **_IMAPS,
            "host": "outlook.office365.com",
            "address": f"{PLUS}example.com",
            "login_method": XOAUTH2,
            "token_endpoint": "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
            "token_scope": "https://outlook.office365.com/.default",
        },
        (
            REGISTER_APP,
            _("Put the tenant id in place of TENANT in the token endpoint."),
            _(
                "Give the app the application permission IMAP.AccessAsApp, with an administrator's"
                " consent, and the right to the mailbox by a service principal. The refresh token"
                " stays empty then."
            ),
            _(
                "Sub-addresses: Set-OrganizationConfig -AllowPlusAddressInRecipients $true. Without"
                " them use a catch-all address (incoming-%{key}@) or one without %{key}."
            ),
        ),
    ),
    Preset(
        "exchange",
        _("Exchange on your own server"),
        {**_IMAPS, "host": "exchange.example.com", "address": "incoming-%{key}@example.com"},
        (
            _(
                "Exchange has no sub-addresses: make a catch-all mailbox for a domain of its own,"
                " or a dedicated address without %{key}, which takes replies only."
            ),
            _("Switch the IMAP service on; the user is often DOMAIN\\user or the whole address."),
        ),
        own_server=True,
    ),
    Preset(
        "postfix",
        _("Postfix and Dovecot"),
        {**_IMAPS, "host": "localhost", "address": f"{PLUS}incoming.example.com"},
        (
            _("In Postfix: recipient_delimiter = +"),
            OWN_SUBDOMAIN,
            _("Without a mailbox: Postfix can hand mail over by LMTP (serve_smtp --lmtp)."),
        ),
        own_server=True,
    ),
)
