"""Ready-made settings for the usual providers, each with the steps to take there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from incoming_email.models import InboxMethod, LoginMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_stubs_ext import StrOrPromise

GRAPH, IMAP = InboxMethod.MICROSOFT_GRAPH.value, InboxMethod.IMAP.value
PLUS = "incoming+%{key}@"


@dataclass(frozen=True, slots=True)
class Preset:
    slug: str
    label: "StrOrPromise"
    fields: "Mapping[str, str | int | bool]"
    steps: "tuple[StrOrPromise, ...]"


_IMAPS: "Mapping[str, str | int | bool]" = {"inbox_method": IMAP, "port": 993, "ssl": True}
_OWN_SUBDOMAIN = _(
    "Use a domain of its own, for example a subdomain: who gets mail at an address of your"
    " organisation can confirm accounts elsewhere in its name."
)
_APP = _(
    "Microsoft Entra admin centre: register an app, note the tenant id and the client id, make a"
    " client secret and enter its value here."
)

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
            "login_method": LoginMethod.XOAUTH2.value,
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
            "login_method": LoginMethod.XOAUTH2.value,
            "token_endpoint": "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
            "token_scope": "https://outlook.office365.com/.default",
        },
        (
            _APP,
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
        "graph",
        _("Microsoft Graph"),
        {"inbox_method": GRAPH, "address": f"{PLUS}example.com"},
        (
            _APP,
            _(
                "Give the app the application permission Mail.ReadWrite, with an administrator's"
                " consent."
            ),
            _(
                "Keep it to this one mailbox by an application access policy:"
                " New-ApplicationAccessPolicy -AccessRight RestrictAccess."
            ),
            _("The user is the address of the mailbox that is read."),
        ),
    ),
    Preset(
        "graph-us",
        _("Microsoft Graph, US government"),
        {
            "inbox_method": GRAPH,
            "address": f"{PLUS}example.com",
            "azure_ad_endpoint": "https://login.microsoftonline.us",
            "graph_endpoint": "https://graph.microsoft.us",
        },
        (_("As with Microsoft Graph, in the portal of the government cloud (portal.azure.us)."),),
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
    ),
    Preset(
        "postfix",
        _("Postfix and Dovecot"),
        {**_IMAPS, "host": "localhost", "address": f"{PLUS}incoming.example.com"},
        (
            _("In Postfix: recipient_delimiter = +"),
            _OWN_SUBDOMAIN,
            _("Without a mailbox: Postfix can hand mail over by LMTP (serve_smtp --lmtp)."),
        ),
    ),
    Preset(
        "maildir",
        _("Maildir"),
        {"inbox_method": InboxMethod.MAILDIR.value, "address": f"{PLUS}incoming.example.com"},
        (
            _("Let the mail server deliver into a Maildir that Letterbox can read and write."),
            _OWN_SUBDOMAIN,
        ),
    ),
    Preset(
        "smtp",
        _("SMTP or LMTP: Letterbox listens itself"),
        {"inbox_method": InboxMethod.SMTP.value, "address": f"{PLUS}incoming.example.com"},
        (
            _("Start python manage.py serve_smtp, or with --lmtp behind a mail server."),
            _("Point the MX record of the domain, or the transport of the mail server, to it."),
            _OWN_SUBDOMAIN,
        ),
    ),
)


def find_preset(slug: str) -> Preset | None:
    return next((preset for preset in PRESETS if preset.slug == slug), None)
