"""The check of a JMAP mailbox: whether it can be opened, and how much waits in it."""

from collections.abc import Generator
from contextlib import closing

from incoming_email.inboxes.jmap.account import JmapAccount
from incoming_email.inboxes.jmap.reader import JmapInbox

from incoming_email.inboxes.base import Answer
from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.methods import Backlog, Said, Step, StepAnswer

STEPS = (Step("session", needs_secret=True), Step("backlog", needs_secret=True))


def ask(account: JmapAccount, position: str, _seconds: float) -> Generator[StepAnswer, None, None]:
    with closing(JmapInbox(account, position)) as inbox:
        yield Said(Answer.YES, _("the session is open"))
        yield Backlog(inbox.count_waiting())
