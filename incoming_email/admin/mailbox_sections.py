"""The sections of a mailbox's page, and which of them its inbox method needs."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from incoming_email.models import InboxMethod, LoginMethod, Mailbox

SETTINGS = ("name", "enabled", "purpose", "address", "inbox_method")
SERVER = ("host", "port", "ssl", "start_tls", "idle_timeout", "expunge_deleted")
ACCOUNT = (
    *("user", "login_method", "password_state", "password", "clear_password"),
    *("folder", "delete_after_delivery", "starts_at"),
)
APP = (
    *("tenant_id", "client_id", "client_secret_state", "client_secret", "clear_client_secret"),
    *("token_endpoint", "token_scope"),
    *("refresh_token_state", "refresh_token", "clear_refresh_token"),
)
GRAPH = ("azure_ad_endpoint", "graph_endpoint", "poll_interval", "other_mailbox")
POLICIES = ("reply_sender_policy", "token_sender_policy", "trusted_authserv_id")
RETENTION = ("keep_raw_days", "keep_failed_days", "keep_trace_days", "keep_attachments_days")
STATE = (
    *("last_success_at", "last_error", "failing_since", "alerted_at", "server_notice"),
    *("pending", "ledger"),
)
SECRETS = ("password", "client_secret", "refresh_token")
STATES = tuple(f"{name}_state" for name in SECRETS)
WRITE_ONLY = {*SECRETS, *(f"clear_{name}" for name in SECRETS)}

POLICY_HELP = _(
    "Whether the key in the address is enough, or From must fit it as well."
    " A message that does not fit is held for a person."
)
APP_HELP = _(
    "For Microsoft Graph and for IMAP by OAuth: the app as it is registered at the provider."
    " IMAP needs the token endpoint, and a refresh token or a scope that the app has by itself."
)
MAILDIR_HELP = _("A folder that a mail server of this machine delivers into.")


def choose_sections(mailbox: Mailbox, *, can_change: bool) -> list[tuple[Any, Any]]:
    """All of them; those that the method does not need are folded. It need not be saved yet."""
    method, is_new = mailbox.inbox_method, mailbox.pk is None
    is_imap, is_graph = method == InboxMethod.IMAP, method == InboxMethod.MICROSOFT_GRAPH
    is_oauth = mailbox.login_method == LoginMethod.XOAUTH2
    hidden = set(STATES) if is_new else set() if can_change else WRITE_ONLY

    def section(title: Any, names: Sequence[str], *, is_needed: bool = True, text: Any = "") -> Any:
        shown = tuple(name for name in names if name not in hidden)
        folded = () if is_needed else ("collapse",)
        return title, {"fields": shown, "classes": folded, "description": text}

    is_maildir = method == InboxMethod.MAILDIR
    sections = [
        section(None, SETTINGS),
        section(_("IMAP server"), SERVER, is_needed=is_imap),
        section(_("Account and folder"), ACCOUNT, is_needed=method != InboxMethod.SMTP),
        section(_("App at the provider"), APP, is_needed=is_graph or is_oauth, text=APP_HELP),
        section(_("Microsoft Graph"), GRAPH, is_needed=is_graph),
        section(_("Maildir"), ("maildir_path",), is_needed=is_maildir, text=MAILDIR_HELP),
        section(_("SMTP"), (), text=_describe_listener()),
        section(_("Sender policies"), POLICIES, text=POLICY_HELP),
        section(_("Probes"), ("probe_minutes",), is_needed=False),
        section(_("Retention"), RETENTION, is_needed=False),
    ]
    return sections if is_new else [*sections, section(_("State"), STATE)]


def _describe_listener() -> str:
    return _(
        "With the method SMTP, Letterbox listens itself at %(host)s port %(port)s"
        " (python manage.py serve_smtp). Nothing has to be set here but the address."
    ) % {"host": settings.SMTP_LISTENER_HOST, "port": settings.SMTP_LISTENER_PORT}
