"""IMAP as an inbox method: what it asks for, how it is checked and polled."""

from collections.abc import Hashable

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.describing import name_server
from incoming_email.inboxes.imap.account import ImapAccount
from incoming_email.inboxes.imap.diagnosis import STEPS, diagnose
from incoming_email.inboxes.imap.form import FORM, OPTIONS, find_secret
from incoming_email.inboxes.imap.presets import PRESETS
from incoming_email.inboxes.imap.reader import ImapInbox
from incoming_email.inboxes.methods import Check, Method, Polling
from incoming_email.inboxes.shared import NOT_IN_FOLDER

STANDARD_PORTS = frozenset({143, 993})
"""Two ports of the same server."""


def _identify_folder(account: ImapAccount) -> Hashable:
    port = min(STANDARD_PORTS) if account.port in STANDARD_PORTS else account.port
    return account.folder_key, port


IMAP = Method(
    name="imap",
    account=ImapAccount,
    form=FORM,
    presets=PRESETS,
    options=OPTIONS,
    check=Check(
        steps=STEPS,
        ask=diagnose,
        name_server=lambda account: name_server(account.host, account.port),
        find_secret=find_secret,
        without_secret=_("the password is not known"),
    ),
    polling=Polling(
        open=ImapInbox,
        by_interval=False,
        folder_columns=("host", "user", "folder"),
        identify_folder=_identify_folder,
    ),
    undelivered=NOT_IN_FOLDER,
)
