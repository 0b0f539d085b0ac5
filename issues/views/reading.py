"""Finds the object of a page among those that its reader may see, or raises 404.

"There is no such page" and "you may not see it" are one answer, so that it reveals no names.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from issues import services
from issues.models import Issue, MergeRequest, Project, User
from issues.permissions import visible_projects


class MemberRequest(HttpRequest):
    """A request whose view asks for log-in."""

    user: User


def find_project(request: HttpRequest, path: str) -> Project:
    return get_object_or_404(visible_projects(request.user), path=path)


def find_issue(request: HttpRequest, path: str, iid: int) -> Issue:
    issues = Issue.objects.select_related("project", "author", "merged_into__project")
    issue = get_object_or_404(
        issues.prefetch_related("labels", "assignees", "uploads"), project__path=path, iid=iid
    )
    if not request.user.has_perm("issues.read_item", issue):
        raise Http404
    return issue


def find_merge_request(request: HttpRequest, path: str, iid: int) -> MergeRequest:
    merge_requests = MergeRequest.objects.select_related("project", "author")
    merge_request = get_object_or_404(
        merge_requests.prefetch_related("labels", "assignees", "uploads"),
        project__path=path,
        iid=iid,
    )
    if not request.user.has_perm("issues.read_item", merge_request):
        raise Http404
    return merge_request


def find_item(request: HttpRequest, path: str, kind: str, iid: int) -> Issue | MergeRequest:
    """The issue or merge request; `kind` is the word in its URL."""
    find = find_issue if kind == "issues" else find_merge_request
    return find(request, path, iid)


@contextmanager
def refusals_answered() -> Iterator[None]:
    """A service's "no" becomes 403, or 404 where even the existence is not the reader's business.

    Pages ask first; this is for rights that were lost in between.
    """
    try:
        yield
    except services.NotVisible as refusal:
        raise Http404 from refusal
    except services.NotAllowed as refusal:
        raise PermissionDenied(str(refusal)) from refusal


@contextmanager
def refusals_shown(request: HttpRequest) -> Iterator[None]:
    """The same, and what the person can mend stands as a message on the page they come back to."""
    try:
        with refusals_answered():
            yield
    except services.Invalid as refusal:
        messages.error(request, str(refusal))


def item_url(item: Issue | MergeRequest) -> str:
    """Needs the item's project, which the `find_` functions here bring along."""
    name = "issue-detail" if isinstance(item, Issue) else "merge-request-detail"
    return reverse(name, kwargs={"path": item.project.path, "iid": item.iid})
