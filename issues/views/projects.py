"""The list of projects, and the redirect from a project's bare address."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from issues.permissions import visible_projects
from issues.views.reading import find_project


@require_safe
def project_list(request: HttpRequest) -> HttpResponse:
    projects = visible_projects(request.user).order_by("path")
    return render(request, "issues/project_list.html", {"projects": projects})


@require_safe
def project_detail(request: HttpRequest, path: str) -> HttpResponse:
    """A project has no page of its own: its issues are its page."""
    return redirect("issue-list", path=find_project(request, path).path)
