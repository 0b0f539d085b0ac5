"""Microsoft Graph as an inbox method: what it asks for, how it is checked and polled."""

from urllib.parse import urlsplit

from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.check import STEPS, ask
from incoming_email.inboxes.graph.form import FORM, OPTIONS, PRESETS, find_secret
from incoming_email.inboxes.graph.reader import GraphInbox
from incoming_email.inboxes.methods import Check, Method, Polling
from incoming_email.inboxes.shared import NOT_IN_FOLDER

GRAPH = Method(
    name="microsoft_graph",
    account=GraphAccount,
    form=FORM,
    presets=PRESETS,
    options=OPTIONS,
    check=Check(
        steps=STEPS,
        ask=ask,
        name_server=lambda account: urlsplit(account.graph_endpoint).netloc,
        find_secret=find_secret,
        without_secret=_("the configuration is not complete"),
    ),
    polling=Polling(
        open=GraphInbox,
        by_interval=True,
        folder_columns=("user", "folder"),
        identify_folder=lambda account: account.folder_key,
    ),
    undelivered=NOT_IN_FOLDER,
)
