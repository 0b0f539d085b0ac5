"""A ticket is merged, goes to another project, rests until a day, or is taken up in a new one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from issues import services
from issues.quick_actions.dates import parse_day
from issues.quick_actions.naming import find_named_issue, find_named_project
from issues.quick_actions.types import NotUnderstood
from issues.services.refusals import require
from issues.views.reading import (
    MemberRequest,
    find_issue,
    item_url,
    refusals_answered,
    refusals_shown,
)
from servicedesk import following_up, merging, moving, snoozing


@login_required
@require_POST
def ticket_merge(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    issue, user = find_issue(request, path, iid), request.user
    given = request.POST.get("into", "").strip()
    try:
        with refusals_answered():
            require(user, merging.PERMISSION, issue)
            named = f"#{given}" if given.isdecimal() else given
            into = find_named_issue(named, project=issue.project, reader=user)
            merging.merge_ticket(issue=issue, actor=user, into=into, now=timezone.now())
    except (services.Invalid, NotUnderstood) as refusal:
        messages.error(request, str(refusal))
        return redirect(item_url(issue))
    messages.success(request, gettext("#%(number)s is merged into this one.") % {"number": iid})
    return redirect(item_url(into))


@login_required
@require_POST
def issue_move(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    issue, user = find_issue(request, path, iid), request.user
    try:
        with refusals_answered():
            require(user, moving.PERMISSION, issue)
            project = find_named_project(request.POST.get("project", "").strip(), reader=user)
            moving.move(issue=issue, actor=user, project=project)
    except (services.Invalid, NotUnderstood) as refusal:
        messages.error(request, str(refusal))
        issue.refresh_from_db()
    else:
        messages.success(request, gettext("It is in %(project)s now.") % {"project": project})
    return redirect(item_url(issue))


@login_required
@require_POST
def ticket_snooze(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    """Until the day `until`; without one it is awake again."""
    issue, given, today = find_issue(request, path, iid), request.POST.get("until"), localdate()
    day = parse_day(given, today=today) if given else None
    if given and day is None:
        messages.error(request, gettext("Invalid date. Use the format YYYY-MM-DD."))
        return redirect(item_url(issue))
    with refusals_shown(request):
        if day is None:
            snoozing.wake(issue=issue, actor=request.user)
        else:
            snoozing.snooze(issue=issue, actor=request.user, until=day, today=today)
    return redirect(item_url(issue))


@login_required
@require_POST
def ticket_follow_up(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    issue = find_issue(request, path, iid)
    try:
        with refusals_answered():
            made = following_up.follow_up(issue=issue, actor=request.user, now=timezone.now())
    except services.Invalid as refusal:
        messages.error(request, str(refusal))
        return redirect(item_url(issue))
    messages.success(request, gettext("This is the follow-up. Write its first comment."))
    return redirect(item_url(made))
