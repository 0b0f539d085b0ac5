"""The page of one issue or merge request, and its comment form."""

from collections.abc import Mapping

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from issues import outbox, quick_actions, services
from issues.diffs import Anchor, LinePosition
from issues.forms import NoteForm
from issues.marked_text import typed
from issues.models import Issue, User, note_address
from issues.permissions import Item
from issues.quick_actions import Written
from issues.views.discussions import ShownItem, show_item
from issues.views.heeding import report_commands
from issues.views.note_pages import Wanted
from issues.views.reading import item_url, refusals_answered


def answer_item_page(
    request: HttpRequest,
    item: Item,
    *,
    template: str,
    more: Mapping[str, object] | None = None,
    refusal: str = "",
) -> HttpResponse:
    """GET shows the page, POST writes a comment on the item, unless there is a `refusal`, which
    the form then shows; `more` is for the template."""
    shown = show_item(item, reader=request.user, wanted=Wanted.of(request))
    if refusal:
        form = NoteForm(request.POST, may_write_internal=shown.may_write_internal)
        form.add_error("body", refusal)
    else:
        form, answer = take_comment(request, shown, item=item, back=item_url(item))
        if answer is not None:
            return answer
    may_see_failures = request.user.has_perm("issues.administer_project", item.project)
    context = {
        **comment_context(item, shown, form),
        "undelivered": outbox.find_undelivered(item) if may_see_failures else (),
        **(more or {}),
    }
    return render(request, template, context, status=400 if form.errors else 200)


def comment_context(item: Item, shown: ShownItem, form: NoteForm) -> dict[str, object]:
    """What the templates of discussions and of the form need."""
    comment, reply = _divide(form, shown)
    return {
        "item": item,
        "project": item.project,
        "shown": shown,
        "form": comment,
        "reply": reply,
        "actions": "issue-action" if isinstance(item, Issue) else "merge-request-action",
    }


def _divide(form: NoteForm, shown: ShownItem) -> tuple[NoteForm, NoteForm | None]:
    """The form of a new comment, and that of an answer which was rejected.

    An answer stays where it was written: sent again as a new comment, one to an internal note
    would be public. Where its discussion is gone, it becomes a comment that is marked internal.
    """
    answered = form.data.get("discussion") if form.is_bound else ""
    if not answered:
        return form, None
    if answered in {talk.name for talk in shown.discussions if not talk.system}:
        return NoteForm(may_write_internal=shown.may_write_internal), form
    form.data = dict(form.data.items()) | {"internal": "on"}
    return form, None


def take_comment(
    request: HttpRequest,
    shown: ShownItem,
    *,
    item: Item,
    back: str,
    line: Anchor | None = None,
    position: LinePosition | None = None,
) -> tuple[NoteForm, HttpResponse | None]:
    """Show or take the form for a comment. Gives the form, and the answer to send in its place:
    after a valid POST a redirect to the new note on the page `back`, else None.

    `line` is the line that the person named, `position` the same line in the present diff.
    Raises PermissionDenied.
    """
    given = request.POST if request.method == "POST" else None
    form = NoteForm(given, may_write_internal=shown.may_write_internal)
    if given is None:
        return form, None
    if not isinstance(request.user, User):
        return form, redirect_to_login(request.get_full_path())
    if not shown.may_comment:
        raise PermissionDenied
    if line is not None and position is None:
        form.add_error(None, _("This version does not show that line. Comment on another one."))
    written = _write_note(form, item=item, author=request.user, position=position)
    if written is None:
        return form, None
    report_commands(request, written)
    return form, redirect(note_address(back, written.note.pk) if written.note else back)


def _write_note(
    form: NoteForm, *, item: Item, author: User, position: LinePosition | None
) -> Written | None:
    """None leaves the reasons in the form."""
    if not form.is_valid():
        return None
    try:
        with refusals_answered():
            return quick_actions.write_note(
                item=item,
                author=author,
                body=typed(form.cleaned_data["body"]),
                now=timezone.now(),
                discussion=form.cleaned_data["discussion"],
                internal=form.cleaned_data.get("internal", False),
                position=position,
            )
    except services.Invalid as refusal:
        form.add_error("body", refusal.messages)
        return None
