"""A held mail on a ticket: members look at it, and accept or discard it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from incoming_email import held_mail
from incoming_email.held_pages import render_message
from issues import services
from issues.models import Issue
from issues.views.reading import MemberRequest, find_issue, item_url, refusals_answered
from servicedesk import reviewing
from servicedesk.models import Ticket
from servicedesk.participants import find_participant


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ticket_held(request: MemberRequest, path: str, iid: int, pk: int) -> HttpResponse:
    """One message, as it is read; POST accepts or discards it."""
    issue = _find_reviewed(request, path, iid)
    look = _look_at(request, issue, pk)
    if look is None:
        messages.warning(request, gettext("Nothing was changed: this mail is not held any more."))
        return redirect(item_url(issue))
    if request.method == "POST" and look.email is not None:
        if look.may_read:
            _decide(request, issue, pk)
        return redirect(item_url(issue))
    ticket = get_object_or_404(Ticket, pk=issue.pk)
    context = {
        "project": issue.project,
        "issue": issue,
        "may_join": find_participant(ticket, look.row.sender) is None,
        "may_change": request.user.has_perm(reviewing.PERMISSION, issue),
    }
    return render_message(request, "servicedesk/held_message.html", look, context)


@login_required
@require_safe
def ticket_held_html(request: MemberRequest, path: str, iid: int, pk: int) -> HttpResponse:
    """How it looked, for a frame that can do nothing."""
    look = _look_at(request, _find_reviewed(request, path, iid), pk)
    if look is None:
        raise Http404
    return held_mail.serve_html(request, look)


def _find_reviewed(request: MemberRequest, path: str, iid: int) -> Issue:
    """For everybody else there is no such page."""
    issue = find_issue(request, path, iid)
    if not reviewing.may_review(request.user, issue):
        raise Http404
    return issue


def _look_at(request: MemberRequest, issue: Issue, pk: int) -> held_mail.Look | None:
    row = held_mail.find_held_on(issue).select_related("mailbox").filter(pk=pk).first()
    return None if row is None else held_mail.look_at(row, issue.project, request.user)


def _decide(request: MemberRequest, issue: Issue, pk: int) -> None:
    """By the button that was pressed."""
    user, is_discarded = request.user, "discard" in request.POST
    try:
        with refusals_answered():
            if is_discarded:
                done = reviewing.discard(issue=issue, actor=user, message=pk)
            else:
                joins = "join" in request.POST
                done = reviewing.accept(
                    issue=issue, actor=user, message=pk, joins=joins, now=timezone.now()
                )
    except services.Invalid as refusal:
        messages.error(request, str(refusal))
        return
    without_effect = held_mail.describe_without_effect(done)
    for sentence in without_effect:
        messages.warning(request, sentence)
    if not done:
        messages.warning(request, gettext("Nothing was changed: this mail is not held any more."))
    elif is_discarded:
        messages.success(request, gettext("The mail is discarded. Its sender is not told."))
    elif not without_effect:
        messages.success(request, gettext("The mail is accepted as a comment of its sender."))
