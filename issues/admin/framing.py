"""The HTML of a mail, served so that a frame can show it and it can do nothing."""

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin

FRAME_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
"""No script and no request to anybody: the HTML may come from anybody."""


@never_cache
@xframe_options_sameorigin
def serve_in_frame(_request: HttpRequest, html: str) -> HttpResponse:
    response = HttpResponse(html)
    response["Content-Security-Policy"] = FRAME_POLICY
    return response


def show_frame(url: str, title: str) -> SafeString:
    return format_html(
        '<iframe class="mail-html" sandbox src="{}" title="{}"></iframe>', url, title
    )
