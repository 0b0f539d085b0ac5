"""The desk of a project: switch it on, set it up, see what customers will read."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from issues.models import Project
from issues.views.reading import MemberRequest, find_project, refusals_answered
from servicedesk import setting_up
from servicedesk.addresses import find_addresses
from servicedesk.forms import DeskForm
from servicedesk.limiting import find_use
from servicedesk.models import ServiceDesk
from servicedesk.placeholders import NAMES
from servicedesk.previewing import preview_texts
from servicedesk.wording import find_unread


def find_own_project(request: MemberRequest, path: str) -> Project:
    """A project that the person maintains or owns; any other is answered like one that does not
    exist."""
    project = find_project(request, path)
    if not request.user.has_perm(setting_up.PERMISSION, project):
        raise Http404
    return project


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def desk_settings(request: MemberRequest, path: str) -> HttpResponse:
    """POST saves; with `preview` it only shows the texts, as a whole page or as its part."""
    project = find_own_project(request, path)
    desk = setting_up.find_desk(project)
    form = DeskForm(request.POST or None, instance=desk)
    asked = request.POST.get("preview", "")
    if asked == "part":
        preview = preview_texts(form.texts())
        return render(request, "servicedesk/parts/preview.html", {"preview": preview})
    if request.method == "POST" and form.is_valid() and not asked:
        with refusals_answered():
            setting_up.save_desk(desk=form.instance, actor=request.user)
        messages.success(request, gettext("The settings of the service desk are saved."))
        for sentence in find_unread(form.instance):
            messages.warning(request, sentence)
        return redirect("desk-settings", path=project.path)
    return _render(request, project, desk, form)


def _render(
    request: MemberRequest, project: Project, desk: ServiceDesk, form: DeskForm
) -> HttpResponse:
    context = {
        "project": project,
        "desk": desk,
        "addresses": find_addresses(desk),
        "form": form,
        "preview": preview_texts(form.texts()),
        "placeholders": sorted(NAMES),
        "use": find_use(project.pk, now=timezone.now()),
        "mails_per_hour": settings.DESK_MAILS_PER_HOUR,
        "mails_per_day": settings.DESK_MAILS_PER_DAY,
    }
    status = 400 if form.errors else 200
    return render(request, "servicedesk/settings.html", context, status=status)


@login_required
@require_POST
def desk_switch(request: MemberRequest, path: str) -> HttpResponse:
    project = find_own_project(request, path)
    enabled = request.POST.get("enabled") == "1"
    with refusals_answered():
        setting_up.switch_desk(project=project, actor=request.user, enabled=enabled)
    on, off = gettext("The service desk is on."), gettext("The service desk is off.")
    messages.success(request, on if enabled else off)
    return redirect("desk-settings", path=project.path)
