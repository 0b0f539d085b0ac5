"""The check of a Maildir: whether it can be opened, and how much waits in it."""

from collections.abc import Generator
from contextlib import closing

from incoming_email.inboxes.base import Answer
from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.maildir.account import MaildirFolder
from incoming_email.inboxes.maildir.reader import MaildirInbox
from incoming_email.inboxes.methods import Backlog, Said, Step, StepAnswer

STEPS = (Step("login"), Step("folder"), Step("backlog"))


def ask(
    account: MaildirFolder, position: str, _seconds: float
) -> Generator[StepAnswer, None, None]:
    yield Said(Answer.SKIPPED, _("a folder of this machine"))
    with closing(MaildirInbox(account, position)) as inbox:
        yield Said(Answer.YES, account.path)
        yield Backlog(inbox.count_waiting())
