"""Canned replies of a project: the list with a form for a new one, and the page of each."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from issues.views.reading import MemberRequest, refusals_answered
from servicedesk import setting_up
from servicedesk.forms import CannedReplyForm
from servicedesk.models import CannedReply
from servicedesk.pages.settings import find_own_project
from servicedesk.placeholders import IN_CANNED_REPLIES


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def canned_replies(request: MemberRequest, path: str, pk: int | None = None) -> HttpResponse:
    """Without `pk` the form is for a new one. POST saves or, with `delete`, deletes it."""
    project = find_own_project(request, path)
    reply = (
        get_object_or_404(CannedReply, project=project, pk=pk)
        if pk
        else CannedReply(project=project)
    )
    form = CannedReplyForm(request.POST or None, instance=reply)
    if request.method == "POST" and pk and "delete" in request.POST:
        with refusals_answered():
            setting_up.delete_canned_reply(reply=reply, actor=request.user)
        messages.success(request, gettext("The canned reply is deleted."))
        return redirect("canned-replies", path=project.path)
    if request.method == "POST" and form.is_valid():
        with refusals_answered():
            setting_up.save_canned_reply(reply=form.instance, actor=request.user)
        messages.success(request, gettext("The canned reply is saved."))
        return redirect("canned-replies", path=project.path)
    context = {
        "project": project,
        "reply": reply,
        "form": form,
        "replies": () if pk else CannedReply.objects.filter(project=project).order_by("title"),
        "placeholders": sorted(IN_CANNED_REPLIES),
    }
    return render(
        request, "servicedesk/canned_replies.html", context, status=400 if form.errors else 200
    )
