"""JMAP as an inbox method: what it asks for, how it is checked and polled."""

from incoming_email.inboxes.jmap.account import JmapAccount
from incoming_email.inboxes.jmap.check import STEPS, ask
from incoming_email.inboxes.jmap.form import FORM, OPTIONS, PRESETS, find_secret
from incoming_email.inboxes.jmap.reader import JmapInbox

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Check, Method, Polling
from incoming_email.inboxes.shared import NOT_IN_FOLDER

JMAP = Method(
    name="jmap",
    account=JmapAccount,
    form=FORM,
    presets=PRESETS,
    options=OPTIONS,
    check=Check(
        steps=STEPS,
        ask=ask,
        name_server=lambda account: account.host,
        find_secret=find_secret,
        without_secret=_("the token is not known"),
    ),
    polling=Polling(
        open=JmapInbox,
        by_interval=True,
        folder_columns=("host", "user", "folder"),
        identify_folder=lambda account: account.folder_key,
    ),
    undelivered=NOT_IN_FOLDER,
)
