"""The buttons on an item's page: close, reopen, subscribe, unsubscribe."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from issues import services
from issues.models import Issue, MergeRequest, User
from issues.views.reading import MemberRequest, find_item, item_url, refusals_answered

Action = Callable[[User, Issue | MergeRequest], None]
ACTIONS: dict[str, Action] = {
    "close": lambda user, item: services.close_item(item=item, actor=user),
    "reopen": lambda user, item: services.reopen_item(item=item, actor=user),
    "subscribe": lambda user, item: services.subscribe(user=user, item=item),
    "unsubscribe": lambda user, item: services.unsubscribe(user=user, item=item),
}
ACTION_WORDS = "|".join(ACTIONS)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def item_action(
    request: MemberRequest, path: str, iid: int, *, kind: str, action: str
) -> HttpResponse:
    """POST acts. GET only leads to the item: people come so after a log-in in between."""
    item = find_item(request, path, kind, iid)
    if request.method == "POST":
        try:
            with refusals_answered():
                ACTIONS[action](request.user, item)
        except services.Invalid as refusal:
            messages.error(request, str(refusal))
    return redirect(item_url(item))
