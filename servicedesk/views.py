"""Pages for people without an account: leaving a ticket, and fetching a file of it."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from issues.views.files import serve_upload
from servicedesk.links import find_file, find_leaver
from servicedesk.participants import reads_opening, unsubscribe
from servicedesk.wording import neutral_subject

TEMPLATE = "servicedesk/leave.html"


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """A GET only asks; a POST leaves, without log-in or form token (RFC 8058).

    The title is shown to whom it may be mailed: else anybody could have us show words of theirs to
    anybody.
    """
    participant = find_leaver(token)
    if participant is None:
        return render(request, TEMPLATE, {"participant": None}, status=404)
    done = request.method == "POST"
    if done:
        unsubscribe(participant, now=timezone.now())
    ticket = participant.ticket
    context = {"participant": participant, "done": done, "title": neutral_subject(ticket.issue)}
    if reads_opening(ticket, participant):
        context |= {"number": ticket.issue.iid, "title": ticket.issue.title}
    return render(request, TEMPLATE, context)


@never_cache
@require_safe
def download(request: HttpRequest, token: str) -> FileResponse:
    """The link itself is the right to read it, until it is too old."""
    upload = find_file(token)
    if upload is None:
        raise Http404
    return serve_upload(upload)
