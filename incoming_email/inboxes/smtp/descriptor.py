"""The SMTP and LMTP listener as an inbox method: mail is delivered to us."""

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.describing import name_server
from incoming_email.inboxes.methods import Advice, Check, Method
from incoming_email.inboxes.smtp.account import Listener
from incoming_email.inboxes.smtp.check import STEPS, ask
from incoming_email.inboxes.smtp.form import FORM, PRESETS

SMTP = Method(
    name="smtp",
    account=Listener,
    form=FORM,
    presets=PRESETS,
    options=(),
    check=Check(
        steps=STEPS,
        ask=ask,
        name_server=lambda listener: name_server(listener.host, listener.port),
        find_secret=None,
    ),
    polling=None,
    undelivered=Advice(
        _("the mail server accepted the mail, but did not deliver it to the SMTP listener"),
        _(
            "Look for “%(name)s” in its log and queue, and whether serve_smtp runs and the server"
            " sends mail for this domain there."
        ),
    ),
)
