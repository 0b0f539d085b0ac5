"""A Maildir as an inbox method: what it asks for, how it is checked and polled."""

from incoming_email.inboxes.maildir.account import MaildirFolder
from incoming_email.inboxes.maildir.check import STEPS, ask
from incoming_email.inboxes.maildir.form import FORM, OPTIONS, PRESETS
from incoming_email.inboxes.maildir.reader import MaildirInbox
from incoming_email.inboxes.methods import Check, Method, Polling
from incoming_email.inboxes.shared import NOT_IN_FOLDER

MAILDIR = Method(
    name="maildir",
    account=MaildirFolder,
    form=FORM,
    presets=PRESETS,
    options=OPTIONS,
    check=Check(steps=STEPS, ask=ask, name_server=lambda _account: "", find_secret=None),
    polling=Polling(
        open=MaildirInbox,
        by_interval=False,
        folder_columns=("maildir_path",),
        identify_folder=lambda account: account.folder_key,
    ),
    undelivered=NOT_IN_FOLDER,
)
