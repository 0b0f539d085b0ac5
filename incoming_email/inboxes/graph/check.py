"""The check of a mailbox at Microsoft Graph: token, folder, clock, and what the app may read."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from incoming_email.inboxes.base import Answer, InboxError
from incoming_email.inboxes.base import gettext_noop as _
from incoming_email.inboxes.graph.account import GraphAccount
from incoming_email.inboxes.graph.connection import GraphConnection, GraphRefusal
from incoming_email.inboxes.graph.login import find_token
from incoming_email.inboxes.graph.reader import GraphInbox
from incoming_email.inboxes.methods import Backlog, Said, ServerTime, Step, StepAnswer

STEPS = tuple(
    Step(name, needs_secret=True)
    for name in ("login", "folder", "backlog", "clock", "other mailbox")
)
REFUSED, UNKNOWN = 403, 404


def ask(account: GraphAccount, position: str, seconds: float) -> Generator[StepAnswer, None, None]:
    """Of other mailboxes it reads the names of folders, never a message."""
    account = replace(account, timeout=min(account.timeout, seconds))
    find_token(account)
    yield Said(Answer.YES, _("the app received a token"))
    with closing(GraphInbox(account, position)) as inbox:
        yield Said(Answer.YES, account.folder)
        yield Backlog(inbox.count_waiting())
    yield _ask_clock(account)
    yield _ask_other_mailbox(account)


def _ask_clock(account: GraphAccount) -> StepAnswer:
    connection = GraphConnection(account)
    try:
        connection.find_folder("inbox")
        ours = datetime.now(UTC)
    except InboxError as fault:
        return Said(Answer.SKIPPED, fault.detail)
    finally:
        connection.close()
    return ServerTime(connection.server_time, ours, "Microsoft Graph")


def _ask_other_mailbox(account: GraphAccount) -> Said:
    other = account.other_mailbox
    if not other or other.lower() == account.user.lower():
        return Said(
            Answer.SKIPPED,
            _("no mailbox is configured that the app must not read"),
            _(
                "Configure one, in the admin as “mailbox of others” or by --other-mailbox ADDRESS;"
                " otherwise this check is skipped."
            ),
        )
    connection = GraphConnection(replace(account, user=other))
    try:
        connection.find_folder("inbox")
    except GraphRefusal as refusal:
        return _read_refusal(refusal, other)
    except InboxError as fault:
        return Said(Answer.WARN, fault.detail, fault.remedy)
    finally:
        connection.close()
    return Said(
        Answer.NO,
        _("the app can read the mailbox %(address)s too, so it is not limited to this one"),
        _(
            "Limit it to this mailbox: New-ApplicationAccessPolicy with -AccessRight"
            " RestrictAccess, in Exchange Online PowerShell. It counts after up to an hour."
        ),
        {"address": other},
    )


def _read_refusal(refusal: GraphRefusal, other: str) -> Said:
    if refusal.status == REFUSED:
        detail = _("the app is refused the mailbox %(address)s")
        return Said(Answer.YES, detail, values={"address": other})
    if refusal.status == UNKNOWN:
        remedy = _("Configure one that exists in this directory; otherwise this can't be checked.")
        return Said(Answer.WARN, refusal.detail, remedy)
    return Said(Answer.WARN, refusal.detail, refusal.remedy)
