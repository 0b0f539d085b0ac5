"""The buttons on an item's page: close, reopen, subscribe; of an issue who may read it, of a merge
request draft and merge."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from issues import services
from issues.models import Issue, MergeRequest, State, User
from issues.views.reading import MemberRequest, find_item, item_url, refusals_answered

Item = Issue | MergeRequest
ACTIONS: dict[str, Callable[[User, Item], None]] = {
    "close": lambda user, item: services.close_item(item=item, actor=user),
    "reopen": lambda user, item: services.reopen_item(item=item, actor=user),
    "subscribe": lambda user, item: services.subscribe(user=user, item=item),
    "unsubscribe": lambda user, item: services.unsubscribe(user=user, item=item),
}
OF_ISSUES: dict[str, Callable[[User, Issue], None]] = {
    "confidential": lambda user, item: services.set_confidential(
        item=item, actor=user, confidential=True
    ),
    "visible": lambda user, item: services.set_confidential(
        item=item, actor=user, confidential=False
    ),
}
OF_MERGE_REQUESTS: dict[str, Callable[[User, MergeRequest], None]] = {
    "draft": lambda user, item: services.set_draft(item=item, actor=user, draft=True),
    "ready": lambda user, item: services.set_draft(item=item, actor=user, draft=False),
    "merge": lambda user, item: services.merge(item=item, actor=user, now=timezone.now()),
}
ACTION_WORDS = "|".join((*ACTIONS, *OF_ISSUES, *OF_MERGE_REQUESTS))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def item_action(
    request: MemberRequest, path: str, iid: int, *, kind: str, action: str
) -> HttpResponse:
    """POST acts. GET only redirects to the item: people come here after a log-in in between."""
    item = find_item(request, path, kind, iid)
    if request.method == "POST":
        try:
            with refusals_answered():
                _act(request.user, item, action)
        except services.Invalid as refusal:
            messages.error(request, str(refusal))
        else:
            _report_merge(request, item, action)
    return redirect(item_url(item))


def _act(user: User, item: Item, action: str) -> None:
    if action in ACTIONS:
        ACTIONS[action](user, item)
    elif isinstance(item, Issue) and action in OF_ISSUES:
        OF_ISSUES[action](user, item)
    elif isinstance(item, MergeRequest) and action in OF_MERGE_REQUESTS:
        OF_MERGE_REQUESTS[action](user, item)
    else:
        raise Http404


def _report_merge(request: HttpRequest, item: Item, action: str) -> None:
    """The branch moves after the commit, so what came of it is read anew."""
    if action != "merge":
        return
    item.refresh_from_db(fields=["state"])
    if item.state == State.MERGED:
        messages.success(request, _("It is merged."))
    else:
        messages.warning(
            request,
            _("It is not merged yet. The discussion says so when it is, or why it could not be."),
        )
