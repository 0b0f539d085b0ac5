"""What only a merge request has: its target branch, and whether it is a draft."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues.models import MergeRequest, State, User
from issues.services.recording import lock_item, record_change, set_value
from issues.services.refusals import Invalid, require


@transaction.atomic
def set_target_branch(*, item: MergeRequest, actor: User, branch: str) -> None:
    """Only while it is open. The pair of branches stays that of one open merge request."""
    require(actor, "issues.edit_item", item)
    lock_item(item)
    if item.target_branch == branch:
        return
    if item.state != State.OPENED:
        raise Invalid([_("It is not open, so its target branch stays. Open it again first.")])
    if branch == item.source_branch:
        raise Invalid([_("Source and target branch are the same. Choose another one.")])
    before, item.target_branch = item.target_branch, branch
    try:
        with transaction.atomic():
            item.save(update_fields=["target_branch"])
    except IntegrityError as error:  # one_open_merge_request_a_pair
        item.target_branch = before
        raise Invalid([_("There is an open merge request for these branches already.")]) from error
    change = gettext_lazy("changed the target branch from %(before)s to %(after)s")
    record_change(item, actor, change, before=before, after=branch)


@transaction.atomic
def set_draft(*, item: MergeRequest, actor: User, draft: bool) -> None:
    require(actor, "issues.edit_item", item)
    made, unmade = gettext_lazy("marked this as a draft"), gettext_lazy("marked this as ready")
    if set_value(item, "draft", draft):
        record_change(item, actor, made if draft else unmade)
