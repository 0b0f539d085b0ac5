"""The quick actions of issues and merge requests: the table that the help page shows."""

from django.utils.translation import gettext_lazy as _

from issues.models import Issue, MergeRequest
from issues.quick_actions import acts, opening
from issues.quick_actions.arguments import (
    is_branch,
    is_issue,
    is_labels,
    is_nothing,
    is_off,
    is_people,
    is_text,
    or_nothing,
)
from issues.quick_actions.dates import is_day
from issues.quick_actions.types import QuickAction

READ = "issues.read_item"
COMMENT = "issues.comment_on"
EDIT = "issues.edit_item"
TRIAGE = "issues.triage_item"

ACTIONS = (
    QuickAction(
        name="close",
        usage="/close",
        description=_("Closes it."),
        permission=EDIT,
        run=acts.close,
        fits=is_nothing,
    ),
    QuickAction(
        name="reopen",
        usage="/reopen",
        description=_("Opens it again."),
        permission=EDIT,
        run=acts.reopen,
        fits=is_nothing,
    ),
    QuickAction(
        name="title",
        usage="/title The door squeaks",
        description=_("Changes the title."),
        permission=EDIT,
        run=acts.change_title,
        fits=is_text,
        shows_argument=True,
        set_opening=opening.open_with_title,
    ),
    QuickAction(
        name="assign",
        usage="/assign @ann me",
        description=_("Assigns it to one or more people; “me” is yourself."),
        permission=TRIAGE,
        run=acts.assign,
        fits=is_people,
    ),
    QuickAction(
        name="unassign",
        usage="/unassign @ann",
        description=_("Removes assignees (all if none are given)."),
        permission=TRIAGE,
        run=acts.unassign,
        fits=or_nothing(is_people),
    ),
    QuickAction(
        name="label",
        usage='/label ~bug ~"needs tests"',
        description=_("Adds labels of the project."),
        permission=TRIAGE,
        run=acts.add_labels,
        fits=is_labels,
    ),
    QuickAction(
        name="unlabel",
        usage="/unlabel ~bug",
        description=_("Removes labels; without a name, all of them."),
        permission=TRIAGE,
        run=acts.remove_labels,
        fits=or_nothing(is_labels),
    ),
    QuickAction(
        name="due",
        usage="/due in 3 days",
        description=_(
            "Sets the due date: 2027-01-31, tomorrow, friday, in 3 days, next week, 내일, 3일 후."
        ),
        permission=TRIAGE,
        run=acts.set_due_date,
        fits=is_day,
    ),
    QuickAction(
        name="remove_due_date",
        usage="/remove_due_date",
        description=_("Removes the due date."),
        permission=TRIAGE,
        run=acts.remove_due_date,
        fits=is_nothing,
    ),
    QuickAction(
        name="confidential",
        usage="/confidential",
        description=_(
            "Makes it confidential, and “/confidential off” visible again. In a new issue, whoever"
            " may open one may use it as well."
        ),
        permission=TRIAGE,
        run=acts.set_confidential,
        fits=or_nothing(is_off),
        kinds=(Issue,),
        set_opening=opening.open_confidential,
    ),
    QuickAction(
        name="lock",
        usage="/lock",
        description=_("Locks the discussion: only members may comment."),
        permission=TRIAGE,
        run=acts.lock,
        fits=is_nothing,
    ),
    QuickAction(
        name="unlock",
        usage="/unlock",
        description=_("Unlocks the discussion."),
        permission=TRIAGE,
        run=acts.unlock,
        fits=is_nothing,
    ),
    QuickAction(
        name="subscribe",
        usage="/subscribe",
        description=_("Subscribes you to notifications."),
        permission=READ,
        run=acts.subscribe,
        fits=is_nothing,
    ),
    QuickAction(
        name="unsubscribe",
        usage="/unsubscribe",
        description=_("Unsubscribes you."),
        permission=READ,
        run=acts.unsubscribe,
        fits=is_nothing,
    ),
    QuickAction(
        name="cc",
        usage="/cc @ann @bob",
        description=_("Subscribes the mentioned users, unless they have unsubscribed."),
        permission=COMMENT,
        run=acts.copy_in,
        fits=is_people,
    ),
    QuickAction(
        name="duplicate",
        usage="/duplicate #5",
        description=_("Closes it as a duplicate of another issue: #5, acme/shop#5 or its address."),
        permission=EDIT,
        run=acts.mark_duplicate,
        fits=is_issue,
        kinds=(Issue,),
        shows_argument=True,
    ),
    QuickAction(
        name="target_branch",
        usage="/target_branch main",
        description=_("Changes the branch that it is to be merged into."),
        permission=EDIT,
        run=acts.set_target_branch,
        fits=is_branch,
        kinds=(MergeRequest,),
        shows_argument=True,
        set_opening=opening.open_with_target_branch,
    ),
    QuickAction(
        name="draft",
        usage="/draft",
        description=_("Marks it as a draft."),
        permission=EDIT,
        run=acts.make_draft,
        fits=is_nothing,
        kinds=(MergeRequest,),
        set_opening=opening.open_as_draft,
    ),
    QuickAction(
        name="ready",
        usage="/ready",
        description=_("Marks it as ready: no draft any more."),
        permission=EDIT,
        run=acts.make_ready,
        fits=is_nothing,
        kinds=(MergeRequest,),
        set_opening=opening.open_as_ready,
    ),
)
