"""Addresses of pages with a former path or number lead to where the project or issue is now."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from issues import former

PROJECT = "<project:path>/"
ISSUE = f"{PROJECT}-/issues/<int:iid>/"
GetResponse = Callable[[HttpRequest], HttpResponse]


def redirect_former(get_response: GetResponse) -> GetResponse:
    """Middleware. Asks only where a page was not found; a form that was sent is sent again there
    (RFC 9110 section 15.4.8)."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        url = _find_url(request) if response.status_code == 404 else ""  # noqa: PLR2004
        if not url:
            return response
        query = request.META.get("QUERY_STRING", "")
        is_read = request.method in {"GET", "HEAD"}
        return HttpResponseRedirect(
            f"{url}?{query}" if query else url, preserve_request=not is_read
        )

    return answer


def _find_url(request: HttpRequest) -> str:
    """Where the same page is now; "" where it is nowhere else, or not for this person."""
    match = request.resolver_match
    if match is None or not match.route.startswith(PROJECT):
        return ""
    asked = match.kwargs
    if match.route.startswith(ISSUE):
        issue = former.find_issue(asked["path"], asked["iid"])
        if issue is None or not request.user.has_perm("issues.read_item", issue):
            return ""
        now = asked | {"path": issue.project.path, "iid": issue.iid}
    else:
        project = former.find_project(asked["path"])
        if project is None or not request.user.has_perm("issues.read_project", project):
            return ""
        now = asked | {"path": project.path}
    return "" if now == asked else reverse(match.view_name, kwargs=now)
