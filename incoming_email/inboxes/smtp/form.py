"""What the form says of mailboxes that our own listener serves, and their preset."""

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Form, Preset, Section
from incoming_email.inboxes.shared import OWN_SUBDOMAIN, PLUS

LISTENER = Section(
    _("SMTP"),
    (),
    _(
        "With the method SMTP, Letterbox listens itself at %(host)s port %(port)s"
        " (python manage.py serve_smtp). Nothing has to be set here but the address."
    ),
    (("host", "SMTP_LISTENER_HOST"), ("port", "SMTP_LISTENER_PORT")),
)
FORM = Form(sections=(LISTENER,), needed={})
PRESETS = (
    Preset(
        "smtp",
        _("SMTP or LMTP: Letterbox listens itself"),
        {"address": f"{PLUS}incoming.example.com"},
        (
            _("Start python manage.py serve_smtp, or with --lmtp behind a mail server."),
            _("Point the MX record of the domain, or the transport of the mail server, to it."),
            OWN_SUBDOMAIN,
        ),
        own_server=True,
    ),
)
