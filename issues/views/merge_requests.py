"""Merge requests: the list of a project and the page of each."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from issues import diffs, services
from issues.counting import BoundedPaginator
from issues.diffs import Commits
from issues.forms import FilterForm
from issues.models import BranchMove, MergeRequest, MergeRequestVersion, Project, State
from issues.permissions import visible_merge_requests
from issues.views.commenting import answer_item_page
from issues.views.listing import ITEMS_A_PAGE, count_states, in_state
from issues.views.reading import find_merge_request, find_project


@never_cache
@require_safe
def merge_request_list(request: HttpRequest, path: str) -> HttpResponse:
    project = find_project(request, path)
    chosen = FilterForm(request.GET).read()
    matching = visible_merge_requests(request.user, project)
    if chosen["q"]:
        matching = matching.filter(title__icontains=chosen["q"])
    page = BoundedPaginator(in_state(matching, chosen["state"]), ITEMS_A_PAGE)
    context = {
        "project": project,
        "page": page.get_page(request.GET.get("page")),
        "states": count_states(matching, list(State)),
        "chosen": chosen,
    }
    return render(request, "issues/merge_request_list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def merge_request_detail(request: HttpRequest, path: str, iid: int) -> HttpResponse:
    item = find_merge_request(request, path, iid)
    versions = tuple(item.versions.order_by("-number"))
    return answer_item_page(
        request,
        item,
        template="issues/merge_request_detail.html",
        more={
            "versions": versions,
            "commits": _find_commits(item.project, versions),
            "plan": services.plan_merge(item) if _is_open(item, versions) else None,
            "may_merge": request.user.has_perm("issues.merge_item", item),
            "merged": item.merges.filter(branch_move=BranchMove.DONE)
            .select_related("author")
            .first(),
        },
    )


def _is_open(item: MergeRequest, versions: Sequence[MergeRequestVersion]) -> bool:
    return item.state == State.OPENED and bool(versions)


def _find_commits(project: Project, versions: Sequence[MergeRequestVersion]) -> Commits:
    """Of the newest version."""
    if not versions:
        return Commits()
    return diffs.find_commits(project, base=versions[0].base_sha, head=versions[0].head_sha)
