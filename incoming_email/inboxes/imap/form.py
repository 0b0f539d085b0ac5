"""What the form and gitlab.yml ask for an IMAP mailbox."""

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.imap.account import XOAUTH2
from incoming_email.inboxes.methods import Field, Form, Option, Secret, Section
from incoming_email.inboxes.settings import MailboxSettings
from incoming_email.inboxes.shared import ACCOUNT, APP, DELETE, FOLDER, NOT_FOR_IT, USER

SERVER = Section(
    _("IMAP server"),
    (
        Field("host"),
        Field("port"),
        Field("ssl"),
        Field("start_tls"),
        Field("idle_timeout"),
        Field("expunge_deleted"),
    ),
)
_NEEDED_BY_OAUTH = {
    "token_endpoint": _("OAuth needs the URL that gives out tokens."),
    "client_id": _("OAuth needs the id of the app that was registered."),
}


def _find_folded(settings: MailboxSettings) -> tuple[Section, ...]:
    return () if settings.login_method == XOAUTH2 else (APP,)


def _find_problems(settings: MailboxSettings) -> dict[str, str]:
    if settings.login_method != XOAUTH2:
        return {}
    if command := settings.token_command:
        is_sealed = settings.ssl or settings.start_tls
        return {} if command.is_for(settings.host, is_sealed=is_sealed) else {"host": NOT_FOR_IT}
    return {
        column: sentence
        for column, sentence in _NEEDED_BY_OAUTH.items()
        if not getattr(settings, column)
    }


def find_secret(settings: MailboxSettings) -> Secret:
    """By OAuth a token is asked for with a refresh token, or in the app's own name."""
    if settings.login_method != XOAUTH2:
        return Secret(columns=("password",), missing=_("no password is stored"))
    return Secret(
        columns=("refresh_token", "client_secret"),
        missing=_("neither a refresh token nor a client secret is stored"),
        is_by_command=bool(settings.token_command),
    )


FORM = Form(
    sections=(SERVER, ACCOUNT, APP),
    needed={
        "host": _("IMAP needs the name of the server."),
        "user": _("IMAP needs a user to log in as."),
    },
    find_folded=_find_folded,
    find_problems=_find_problems,
)
OPTIONS = (
    Option("host", "host", is_needed=True),
    USER,
    Option("password", "password", is_needed=True),
    Option("port", "port"),
    Option("ssl", "ssl"),
    Option("start_tls", "start_tls"),
    FOLDER,
    Option("idle_timeout", "idle_timeout"),
    DELETE,
    Option("expunge_deleted", "expunge_deleted"),
)
