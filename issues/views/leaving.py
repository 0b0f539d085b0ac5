"""The page behind "unsubscribe" in every mail: no log-in, and only a POST acts (RFC 8058)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from issues import services
from issues.unsubscribing import find_subscription_target

TEMPLATE = "issues/unsubscribe.html"


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Mail programs and link scanners open links, so GET asks. A POST is answered, not redirected.

    The title is shown only to a person who may still read the item.
    """
    found = find_subscription_target(token)
    if found is None:
        return render(request, TEMPLATE, {"item": None}, status=404)
    user, item = found
    if request.method == "POST":
        services.unsubscribe(user=user, item=item)
    context = {
        "item": item,
        "may_read": user.has_perm("issues.read_item", item),
        "done": request.method == "POST",
    }
    return render(request, TEMPLATE, context)
