"""Issues: the list of a project, the form for a new one, and the page of each."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from issues import quick_actions
from issues.counting import BoundedPaginator
from issues.external_people import find_people, sight_of_role
from issues.forms import FilterForm, IssueForm
from issues.marked_text import typed
from issues.models import Issue, Project, State
from issues.permissions import Person, find_access, visible_issues
from issues.views.commenting import answer_item_page
from issues.views.heeding import report_commands
from issues.views.listing import ITEMS_A_PAGE, count_states, in_state
from issues.views.reading import (
    MemberRequest,
    find_issue,
    find_project,
    item_url,
    refusals_answered,
)

TEMPLATE = "issues/issue_detail.html"


@never_cache
@require_safe
def issue_list(request: HttpRequest, path: str) -> HttpResponse:
    project = find_project(request, path)
    chosen = FilterForm(request.GET).read()
    labels = list(project.labels.order_by("name"))
    matching = visible_issues(request.user, project)
    if chosen["q"]:
        matching = matching.filter(title__icontains=chosen["q"])
    label = next((label for label in labels if label.name == chosen["label"]), None)
    if label:
        matching = matching.filter(pk__in=label.issues.values("pk"))
    pages = BoundedPaginator(in_state(matching, chosen["state"]), ITEMS_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    authors = [issue.external_author for issue in page]
    sight = sight_of_role(find_access(request.user, project).role)
    context = {
        "project": project,
        "page": page,
        "people": find_people(project.pk, authors, sight),
        "states": count_states(matching, [State.OPENED, State.CLOSED]),
        "labels": labels,
        "chosen": chosen,
        "may_open": request.user.has_perm("issues.open_issue", project),
    }
    return render(request, "issues/issue_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def issue_new(request: MemberRequest, path: str) -> HttpResponse:
    project = find_project(request, path)
    if not request.user.has_perm("issues.open_issue", project):
        raise Http404
    form = IssueForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _create_and_show(request, project, form)
    return render(request, "issues/issue_new.html", {"project": project, "form": form})


def _create_and_show(request: MemberRequest, project: Project, form: IssueForm) -> HttpResponse:
    given = form.cleaned_data
    with refusals_answered():
        written = quick_actions.open_issue(
            project=project,
            author=request.user,
            title=given["title"],
            description=typed(given["description"]),
            confidential=given["confidential"],
            now=timezone.now(),
        )
    messages.success(request, gettext("Issue #%(iid)s is open.") % {"iid": written.item.iid})
    report_commands(request, written)
    return redirect(item_url(written.item))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def issue_detail(request: HttpRequest, path: str, iid: int) -> HttpResponse:
    issue = find_issue(request, path, iid)
    into = issue.merged_into
    if into is not None and request.user.has_perm("issues.read_item", into):
        return _answer_merged(request, issue, find_issue(request, into.project.path, into.iid))
    more = {"original": _find_original(issue, request.user)}
    return answer_item_page(request, issue, template=TEMPLATE, more=more)


def _answer_merged(request: HttpRequest, issue: Issue, into: Issue) -> HttpResponse:
    """A comment that was written for other readers is shown again, and not stored."""
    if request.method != "POST":
        query = request.META.get("QUERY_STRING", "")
        return redirect(f"{item_url(into)}?{query}" if query else item_url(into))
    refusal = gettext(
        "#%(number)s was merged into this one meanwhile, so your comment is not stored yet."
        " Look who reads here, then send it again."
    )
    more = {"original": _find_original(into, request.user), "post_to": item_url(into)}
    return answer_item_page(
        request, into, template=TEMPLATE, more=more, refusal=refusal % {"number": issue.iid}
    )


def _find_original(issue: Issue, reader: Person) -> Issue | None:
    """What it is a duplicate of, for those who may know of that."""
    if issue.duplicate_of_id is None:
        return None
    original = Issue.objects.select_related("project").get(pk=issue.duplicate_of_id)
    return original if reader.has_perm("issues.read_item", original) else None
