"""Help pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from issues.models import Issue, MergeRequest
from issues.permissions import WHO_MAY
from issues.quick_actions import find_actions


@require_safe
def quick_actions(request: HttpRequest) -> HttpResponse:
    """Made from the table that the interpreter uses, so it is always complete."""
    rows = [
        {
            "action": action,
            "who": WHO_MAY[action.permission],
            "on_issues": Issue in action.kinds,
            "on_merge_requests": MergeRequest in action.kinds,
        }
        for action in find_actions().values()
    ]
    return render(request, "issues/help_quick_actions.html", {"rows": rows})
