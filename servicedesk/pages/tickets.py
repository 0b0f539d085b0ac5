"""The list of tickets, and the external participants of each."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from issues.counting import BoundedPaginator
from issues.views.reading import (
    MemberRequest,
    find_issue,
    find_project,
    item_url,
    refusals_answered,
    refusals_shown,
)
from servicedesk import joining, setting_up, spam
from servicedesk.forms import MINE, NOBODYS, TicketFilterForm
from servicedesk.listing import (
    TICKETS_A_PAGE,
    count_states,
    find_answers_to_deleted,
    find_tickets,
    in_state,
    of_whom,
    show_tickets,
)
from servicedesk.quick_actions import split_addresses
from servicedesk.showing import READ


@login_required
@never_cache
@require_safe
def ticket_list(request: MemberRequest, path: str) -> HttpResponse:
    """For reporters and above: it names customers."""
    project = find_project(request, path)
    if not request.user.has_perm(READ, project):
        raise Http404
    chosen = TicketFilterForm(request.GET).read()
    matching = of_whom(find_tickets(project, chosen["q"]), chosen["whose"], request.user)
    page = BoundedPaginator(in_state(matching, chosen["state"]), TICKETS_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "project": project,
        "desk": setting_up.find_desk(project),
        "may_set_up": request.user.has_perm(setting_up.PERMISSION, project),
        "page": page,
        "tickets": show_tickets(page.object_list),
        "states": count_states(matching),
        "chosen": chosen,
        "answered_in_vain": find_answers_to_deleted(project, now=timezone.now()),
        "whose": {
            "": gettext("Everybody's"),
            MINE: gettext("Mine"),
            NOBODYS: gettext("Unassigned"),
        },
    }
    return render(request, "servicedesk/ticket_list.html", context)


@login_required
@require_POST
def ticket_spam(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    """Marks it as spam, or by the field `not` as none."""
    issue = find_issue(request, path, iid)
    is_none = "not" in request.POST
    now, blocked = timezone.now(), False
    with refusals_answered():
        if is_none:
            spam.mark_as_no_spam(issue=issue, actor=request.user, now=now)
        else:
            blocked = spam.mark_as_spam(issue=issue, actor=request.user, now=now)
    if is_none:
        messages.success(request, gettext("It is a ticket again."))
        return redirect(item_url(issue))
    if blocked:
        messages.success(request, gettext("It is among the spam now, and its sender is blocked."))
    else:
        messages.success(request, gettext("It is among the spam now. Nobody is blocked."))
    return redirect("ticket-list", path=issue.project.path)


@login_required
@require_POST
def participant_add(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    issue = find_issue(request, path, iid)
    given = split_addresses(request.POST.get("addresses", ""))
    if not given:
        messages.error(request, gettext("Give one or more e-mail addresses."))
        return redirect(item_url(issue))
    with refusals_shown(request):
        joining.add_people(
            issue=issue,
            actor=request.user,
            addresses=given,
            now=timezone.now(),
        )
    return redirect(item_url(issue))


@login_required
@require_POST
def participant_remove(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    issue = find_issue(request, path, iid)
    with refusals_shown(request):
        joining.remove_people(
            issue=issue, actor=request.user, addresses=[request.POST.get("address", "")]
        )
    return redirect(item_url(issue))


@login_required
@require_POST
def participant_retry(request: MemberRequest, path: str, iid: int) -> HttpResponse:
    """Sends mail again to a participant whom it did not reach."""
    issue = find_issue(request, path, iid)
    with refusals_shown(request):
        joining.try_again(issue=issue, actor=request.user, address=request.POST.get("address", ""))
    return redirect(item_url(issue))
