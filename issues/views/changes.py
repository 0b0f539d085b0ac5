"""The page of a merge request's changes: versions, the diff, and discussions at its lines."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from issues import diffs
from issues.diffs import Anchor, Diff, LinePosition
from issues.views.changed_files import LineTalk, show_files
from issues.views.commenting import comment_context, take_comment
from issues.views.discussions import ShownItem, show_item
from issues.views.positions import find_anchor
from issues.views.reading import find_merge_request
from issues.views.versions import ChosenVersions, changes_url, choose_versions


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def merge_request_changes(request: HttpRequest, path: str, iid: int) -> HttpResponse:
    """POST writes a comment on the line that `line` names, or an answer in a discussion."""
    item = find_merge_request(request, path, iid)
    shown = show_item(item, reader=request.user, at_lines=True)
    chosen = choose_versions(item, request.GET)
    diff = Diff()
    if chosen is not None:
        diff = diffs.find_diff(item.project, base=chosen.base, head=chosen.head)
    line = Anchor.parse(request.POST.get("line", "") or request.GET.get("line", ""))
    form, answer = take_comment(
        request,
        shown,
        item=item,
        back=f"{changes_url(item)}?{chosen.query if chosen else ''}",
        line=line if request.POST.get("line") else None,
        position=_find_position(diff, line, chosen),
    )
    if answer is not None:
        return answer
    talks = tuple(_find_talks(shown, diff))
    may_write = shown.may_comment and chosen is not None and chosen.earlier is None
    context = {
        **comment_context(item, shown, form),
        "chosen": chosen,
        "diff": diff,
        "files": show_files(diff, talks=talks, written_on=line if may_write else None),
        "may_write": may_write,
        "line": line,
        "elsewhere": sum(talk.position is not None for talk in shown.discussions) - len(talks),
    }
    template = "issues/merge_request_changes.html"
    return render(request, template, context, status=400 if form.errors else 200)


def _find_position(
    diff: Diff, line: Anchor | None, chosen: ChosenVersions | None
) -> LinePosition | None:
    """Comments are written on a version, not on a comparison of two."""
    if line is None or chosen is None or chosen.earlier is not None:
        return None
    return diffs.find_position(diff, line, base=chosen.base, head=chosen.head)


def _find_talks(shown: ShownItem, diff: Diff) -> Iterator[LineTalk]:
    for discussion in shown.discussions:
        if discussion.position is not None and (
            anchor := find_anchor(discussion.position.row, diff)
        ):
            yield LineTalk(anchor, discussion)
