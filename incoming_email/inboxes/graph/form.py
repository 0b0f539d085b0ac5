"""What the form and gitlab.yml ask for a mailbox at Microsoft Graph, and its presets."""

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Field, Form, Option, Preset, Secret, Section
from incoming_email.inboxes.settings import MailboxSettings
from incoming_email.inboxes.shared import (
    ACCOUNT,
    APP,
    DELETE,
    FOLDER,
    PLUS,
    REGISTER_APP,
    USER,
    find_https_problem,
)

ENDPOINTS = Section(
    _("Microsoft Graph"),
    (
        Field("azure_ad_endpoint", has_default=True, find_problem=find_https_problem),
        Field("graph_endpoint", has_default=True, find_problem=find_https_problem),
        Field("poll_interval", has_default=True),
        Field("other_mailbox"),
    ),
)


def find_secret(_settings: MailboxSettings) -> Secret:
    return Secret(columns=("client_secret",), missing=_("no client secret is stored"))


FORM = Form(
    sections=(ACCOUNT, APP, ENDPOINTS),
    needed={
        "user": _("Microsoft Graph needs the address of the mailbox that is read."),
        "tenant_id": _("Microsoft Graph needs the id of the directory (tenant)."),
        "client_id": _("Microsoft Graph needs the id of the app that was registered."),
    },
)
OPTIONS = (
    USER,
    Option("inbox_options.tenant_id", "tenant_id", is_needed=True),
    Option("inbox_options.client_id", "client_id", is_needed=True),
    Option("inbox_options.client_secret", "client_secret", is_needed=True),
    Option("inbox_options.azure_ad_endpoint", "azure_ad_endpoint"),
    Option("inbox_options.graph_endpoint", "graph_endpoint"),
    Option("inbox_options.poll_interval", "poll_interval"),
    FOLDER,
    DELETE,
)
PRESETS = (
    Preset(
        "graph",
        _("Microsoft Graph"),
        {"address": f"{PLUS}example.com"},
        (
            REGISTER_APP,
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
            "address": f"{PLUS}example.com",
            "azure_ad_endpoint": "https://login.microsoftonline.us",
            "graph_endpoint": "https://graph.microsoft.us",
        },
        (_("As with Microsoft Graph, in the portal of the government cloud (portal.azure.us)."),),
    ),
)
