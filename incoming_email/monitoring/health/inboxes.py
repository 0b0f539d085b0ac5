"""Steps for a Microsoft 365 mailbox or a Maildir: whether it can be opened and has the folder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db import connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.inboxes.accounts import Account, GraphAccount, OAuthClient
from incoming_email.inboxes.base import Answer, Finding, InboxError
from incoming_email.inboxes.graph.login import find_token
from incoming_email.inboxes.opening import open_inbox
from incoming_email.monitoring.health import graph_reach

BACKLOG_MESSAGES = 100
"""More waiting messages than this cause a warning."""

STEPS = ("login", "folder", "backlog")
GRAPH_STEPS = (*STEPS, *graph_reach.STEPS)


def ask(
    account: Account, position: str, *, timeout: float, other_mailbox: str = ""
) -> Iterator[Finding]:
    """One finding a step; after the first `no` the rest is skipped. Nothing is marked.

    `other_mailbox`: one that the app at Microsoft Graph must not be able to read.
    """
    account = _patient(account, timeout)
    left: Sequence[str] = GRAPH_STEPS if isinstance(account, GraphAccount) else STEPS
    try:
        yield _ask_login(account)
        left = left[1:]
        with open_inbox(account, position=position) as inbox:
            yield Finding("folder", Answer.YES, _name_folder(account))
            left = left[1:]
            yield describe_backlog(inbox.count_waiting())
    except InboxError as fault:
        yield from _stop(fault, left)
        return
    if isinstance(account, GraphAccount):
        yield from graph_reach.ask(account, other_mailbox)


def keep_in_thread(client: OAuthClient) -> OAuthClient:
    """A new refresh token must be stored at once; the thread's connection is not left open."""

    def keep(text: str) -> None:
        try:
            client.keep(text)
        finally:
            connections.close_all()

    return replace(client, keep=keep)


def _patient(account: Account, timeout: float) -> Account:
    if isinstance(account, GraphAccount):
        return replace(account, timeout=min(account.timeout, timeout))
    return account


def _ask_login(account: Account) -> Finding:
    if not isinstance(account, GraphAccount):
        return Finding("login", Answer.SKIPPED, _("a folder of this machine"))
    find_token(account)
    return Finding("login", Answer.YES, _("the app received a token"))


def _name_folder(account: Account) -> str:
    return account.folder if isinstance(account, GraphAccount) else getattr(account, "path", "")


def describe_backlog(waiting: int) -> Finding:
    detail = ngettext(
        "%(count)d message is waiting to be fetched",
        "%(count)d messages are waiting to be fetched",
        waiting,
    ) % {"count": waiting}
    if waiting <= BACKLOG_MESSAGES:
        return Finding("backlog", Answer.YES, detail)
    remedy = _("They are fetched at the next poll; if not, look at the worker's log.")
    return Finding("backlog", Answer.WARN, detail, remedy)


def _stop(fault: InboxError, steps: Sequence[str]) -> Iterator[Finding]:
    first, *rest = steps
    yield Finding(first, Answer.NO, fault.detail, fault.remedy)
    for step in rest:
        yield Finding(step, Answer.SKIPPED, _("an earlier step failed"))
