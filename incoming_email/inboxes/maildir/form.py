"""What the form and gitlab.yml ask for a Maildir, and its preset."""

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Field, Form, Preset, Section
from incoming_email.inboxes.shared import (
    ACCOUNT,
    DELETE,
    OWN_SUBDOMAIN,
    PLUS,
    find_path_problem,
)

PATH = Section(
    _("Maildir"),
    (Field("maildir_path", find_problem=find_path_problem),),
    _("A folder that a mail server of this machine delivers into."),
)
FORM = Form(
    sections=(ACCOUNT, PATH),
    needed={"maildir_path": _("A Maildir needs the path of its folder.")},
)
OPTIONS = (DELETE,)
"""GitLab has no Maildir, so it has no key for the path."""

PRESETS = (
    Preset(
        "maildir",
        _("Maildir"),
        {"address": f"{PLUS}incoming.example.com"},
        (
            _("Let the mail server deliver into a Maildir that Letterbox can read and write."),
            OWN_SUBDOMAIN,
        ),
        own_server=True,
    ),
)
