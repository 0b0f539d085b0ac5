"""What the form and gitlab.yml ask for a JMAP mailbox, and its preset."""

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Field, Form, Option, Preset, Secret, Section
from incoming_email.inboxes.settings import MailboxSettings
from incoming_email.inboxes.shared import ACCOUNT, FOLDER, PLUS, USER

SESSION = Section(_("JMAP session"), (Field("host"), Field("poll_interval", has_default=True)))


def find_secret(_settings: MailboxSettings) -> Secret:
    return Secret(columns=("password",), missing=_("no token is stored"))


FORM = Form(sections=(SESSION, ACCOUNT), needed={"host": _("JMAP needs the host of the session.")})
PRESETS = (
    Preset(
        "jmap",
        _("JMAP at example.com"),
        {"host": "jmap.example.com", "address": f"{PLUS}example.com"},
        (_("Make a token there, and enter it as the password."),),
    ),
)
OPTIONS = (
    Option("host", "host", is_needed=True),
    Option("inbox_options.jmap_token", "password", is_needed=True),
    USER,
    FOLDER,
)
