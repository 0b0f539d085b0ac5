"""Pages for machines: `/health/` and `/metrics`."""

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
    JsonResponse,
)
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from incoming_email.monitoring import health, metrics
from incoming_email.networks import is_within, read_address

REFUSED = "Metrics are given to who has METRICS_TOKEN or asks from METRICS_NETWORKS.\n"
UNKNOWN = f"Of these only, with commas between, can be asked: {', '.join(health.SIGNS)}.\n"


@require_safe
@never_cache
def health_view(request: HttpRequest) -> HttpResponse:
    """503 when one thing does not work. It names no server and no mailbox: anybody may ask."""
    given = filter(None, request.GET.get("only", "").split(","))
    names = tuple(health.FORMER_NAMES.get(name, name) for name in given)
    if not set(names) <= set(health.SIGNS):
        return HttpResponseBadRequest(UNKNOWN, content_type="text/plain; charset=utf-8")
    signs = health.find_signs(names)
    if signs is None:
        busy = {"status": "busy", "checks": {}}
        return JsonResponse(busy, status=503, headers={"Retry-After": "1"})
    is_good = all(sign.is_good for sign in signs)
    answer = {
        "status": "ok" if is_good else "failing",
        "checks": {sign.name: {"ok": sign.is_good, **sign.numbers} for sign in signs},
    }
    return JsonResponse(answer, status=200 if is_good else 503)


@require_safe
@never_cache
def metrics_view(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        return HttpResponseForbidden(REFUSED, content_type="text/plain; charset=utf-8")
    content = metrics.write_metrics(now=timezone.now())
    return HttpResponse(content, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read(request: HttpRequest) -> bool:
    """Nobody, while neither setting is set."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and constant_time_compare(given, settings.METRICS_TOKEN):
        return True
    try:
        peer = read_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # a server on a Unix socket has no client address
        return False
    return is_within(peer, settings.METRICS_NETWORKS)
