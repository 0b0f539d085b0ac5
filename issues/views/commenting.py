"""The page of one issue or merge request, and the comment form that stands on it."""

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from issues import quick_actions, services
from issues.forms import NoteForm
from issues.models import Issue, MergeRequest, User
from issues.quick_actions import Written
from issues.views.discussions import ShownItem, show_item
from issues.views.heeding import say_what_was_done
from issues.views.reading import item_url, refusals_answered


def answer_item_page(
    request: HttpRequest, item: Issue | MergeRequest, *, template: str
) -> HttpResponse:
    """GET shows the page, POST writes a comment on the item."""
    shown = show_item(item, reader=request.user)
    form = NoteForm(
        request.POST if request.method == "POST" else None,
        may_write_internal=shown.may_write_internal,
    )
    if request.method == "POST":
        if not isinstance(request.user, User):
            return redirect_to_login(request.path)
        if not shown.may_comment:
            raise PermissionDenied
        written = _write_note(form, item=item, author=request.user, shown=shown)
        if written:
            say_what_was_done(request, written)
            place = f"#note-{written.note.pk}" if written.note else ""
            return redirect(f"{item_url(item)}{place}")
    context = {
        "item": item,
        "project": item.project,
        "shown": shown,
        "form": form,
        "actions": "issue-action" if isinstance(item, Issue) else "merge-request-action",
    }
    return render(request, template, context, status=400 if form.errors else 200)


def _write_note(
    form: NoteForm, *, item: Issue | MergeRequest, author: User, shown: ShownItem
) -> Written | None:
    """None leaves the reasons in the form."""
    if not form.is_valid():
        return None
    known = {discussion.name: discussion for discussion in shown.discussions}
    discussion = known.get(form.cleaned_data["discussion"])
    try:
        with refusals_answered():
            return quick_actions.write_note(
                item=item,
                author=author,
                body=form.cleaned_data["body"],
                now=timezone.now(),
                discussion=discussion.name if discussion else "",
                internal=form.cleaned_data.get("internal", False)
                or (discussion is not None and discussion.internal),
            )
    except services.Invalid as refusal:
        form.add_error("body", refusal.messages)
        return None
