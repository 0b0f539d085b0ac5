"""The page where maintainers say what their project takes by mail."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from issues import services
from issues.forms import ProjectMailForm
from issues.views.reading import MemberRequest, find_project, refusals_answered


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def project_mail(request: MemberRequest, path: str) -> HttpResponse:
    """A project that the person does not maintain is answered like one that does not exist."""
    project = find_project(request, path)
    if not request.user.has_perm("issues.administer_project", project):
        raise Http404
    form = ProjectMailForm(request.POST if request.method == "POST" else None, instance=project)
    if request.method == "POST" and form.is_valid():
        with refusals_answered():
            services.save_project_mail(project=project, actor=request.user)
        messages.success(request, gettext("Saved."))
        return redirect("project-mail", path=project.path)
    return render(request, "issues/project_mail.html", {"project": project, "form": form})
