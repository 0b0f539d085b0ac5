"""Steps for Microsoft Graph alone: its clock, and whether the app can read mail of others."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from django.utils.translation import gettext as _

from incoming_email.inboxes.accounts import GraphAccount
from incoming_email.inboxes.base import Answer, Finding, InboxError
from incoming_email.inboxes.graph.connection import GraphConnection, GraphRefusal
from incoming_email.monitoring.health import clocks

OTHER_MAILBOX = "other mailbox"
STEPS = (clocks.STEP, OTHER_MAILBOX)
REFUSED, UNKNOWN = 403, 404


def ask(account: GraphAccount, other_mailbox: str) -> Iterator[Finding]:
    """One finding a step. Reads the names of folders, never a message."""
    yield _find_clock(account)
    yield _find_other_mailbox(account, other_mailbox)


def _find_clock(account: GraphAccount) -> Finding:
    connection = GraphConnection(account)
    try:
        connection.find_folder("inbox")
        ours = datetime.now(UTC)
    except InboxError as fault:
        return Finding(clocks.STEP, Answer.SKIPPED, fault.detail)
    finally:
        connection.close()
    return clocks.compare(connection.server_time, ours, whose="Microsoft Graph")


def _find_other_mailbox(account: GraphAccount, other: str) -> Finding:
    if not other or other.lower() == account.user.lower():
        detail = _("no mailbox is configured that the app must not read")
        remedy = _(
            "Configure one, in the admin as “mailbox of others” or by --other-mailbox ADDRESS;"
            " otherwise this check is skipped."
        )
        return Finding(OTHER_MAILBOX, Answer.SKIPPED, detail, remedy)
    connection = GraphConnection(replace(account, user=other))
    try:
        connection.find_folder("inbox")
    except GraphRefusal as refusal:
        return _read_refusal(refusal, other)
    except InboxError as fault:
        return Finding(OTHER_MAILBOX, Answer.WARN, fault.detail, fault.remedy)
    finally:
        connection.close()
    detail = _("the app can read the mailbox %(address)s too, so it is not limited to this one")
    remedy = _(
        "Limit it to this mailbox: New-ApplicationAccessPolicy with -AccessRight RestrictAccess,"
        " in Exchange Online PowerShell. It counts after up to an hour."
    )
    return Finding(OTHER_MAILBOX, Answer.NO, detail % {"address": other}, remedy)


def _read_refusal(refusal: GraphRefusal, other: str) -> Finding:
    if refusal.status == REFUSED:
        detail = _("the app is refused the mailbox %(address)s") % {"address": other}
        return Finding(OTHER_MAILBOX, Answer.YES, detail)
    if refusal.status == UNKNOWN:
        remedy = _("Configure one that exists in this directory; otherwise this can't be checked.")
        return Finding(OTHER_MAILBOX, Answer.WARN, refusal.detail, remedy)
    return Finding(OTHER_MAILBOX, Answer.WARN, refusal.detail, refusal.remedy)
