"""Held mail of a project: its maintainers look at it, and release or discard it."""

import re

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from incoming_email import held_mail as held
from incoming_email.held_mail import OF_OTHER_READERS
from incoming_email.models import InboundEmail, InboundEmailQuerySet
from incoming_email.outcomes import Reason
from issues.bearer_secrets import cut_secrets
from issues.models import Project
from issues.views.reading import MemberRequest, find_project

ROWS_A_PAGE = 50

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def held_mail(request: MemberRequest, path: str, *, spam: bool = False) -> HttpResponse:
    """The list, of spam or of all but spam; POST releases or discards those that are ticked."""
    project = _find_maintained(request, path)
    rows = _find_list(project, spam=spam).order_by("-received_at", "-pk")
    if request.method == "POST":
        ticked = filter(_NUMBER.fullmatch, request.POST.getlist("row")[:ROWS_A_PAGE])
        asked = rows.exclude(reason__in=OF_OTHER_READERS).filter(pk__in=list(ticked))
        _decide(request, list(asked.values_list("pk", flat=True)))
        return redirect(_name_list(spam=spam), path=project.path)
    fields = ("pk", "sender", "subject", "reason", "received_at")
    pages = Paginator(rows.only(*fields), ROWS_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    _cut_subjects(page)
    others = _find_list(project, spam=not spam).count()
    context = {"project": project, "page": page, "alone": OF_OTHER_READERS}
    context |= {"spam": spam, "others": others, "days": settings.KEEP_SPAM_DAYS}
    return render(request, "incoming_email/held_mail.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def held_message(request: MemberRequest, path: str, pk: int) -> HttpResponse:
    """One message, as it is read; POST releases or discards it."""
    project = _find_maintained(request, path)
    look = _look_at(request, project, pk)
    is_spam = look.row.reason == Reason.SPAM
    if request.method == "POST" and look.email is not None:
        if look.may_read:
            _decide(request, [pk])
        return redirect(_name_list(spam=is_spam), path=project.path)
    return render_message(
        request, "incoming_email/held_message.html", look, {"project": project, "spam": is_spam}
    )


def render_message(
    request: HttpRequest, template: str, look: held.Look, context: dict[str, object]
) -> HttpResponse:
    """Without a parser, what is to be done about that."""
    is_unread = look.email is None
    context = context | {"row": look.row, "shown": look.shown, "is_unread": is_unread}
    return render(request, template, context, status=503 if is_unread else 200)


@login_required
@require_safe
def held_message_html(request: MemberRequest, path: str, pk: int) -> HttpResponse:
    """How it looked, for a frame that can do nothing."""
    return held.serve_html(request, _look_at(request, _find_maintained(request, path), pk))


def _find_maintained(request: MemberRequest, path: str) -> Project:
    """Any other project is answered like one that does not exist."""
    project = find_project(request, path)
    if not request.user.has_perm("issues.administer_project", project):
        raise Http404
    return project


def _look_at(request: MemberRequest, project: Project, pk: int) -> held.Look:
    row = get_object_or_404(held.find_held(project).select_related("mailbox"), pk=pk)
    return held.look_at(row, project, request.user)


def _find_list(project: Project, *, spam: bool) -> InboundEmailQuerySet:
    rows = held.find_held(project)
    return rows.held_spam() if spam else rows.held()


def _name_list(*, spam: bool) -> str:
    return "held-spam" if spam else "held-mail"


def _cut_subjects(page: "Page[InboundEmail]") -> None:
    """One look-up for all."""
    rows = list(page)
    for row, subject in zip(rows, cut_secrets(*(row.subject for row in rows)), strict=True):
        row.subject = "" if row.reason in OF_OTHER_READERS else subject
    page.object_list = rows


def _decide(request: MemberRequest, ids: list[int]) -> None:
    """By the button that was pressed."""
    release = "release" in request.POST
    done = held.decide(ids, actor=request.user, release=release)
    said = (
        ngettext("%(count)d message is released.", "%(count)d messages are released.", len(done))
        if release
        else ngettext(
            "%(count)d message is discarded.", "%(count)d messages are discarded.", len(done)
        )
    )
    if not done:
        messages.warning(request, gettext("Nothing was changed: none of it is held any more."))
        return
    messages.success(request, said % {"count": len(done)})
    for sentence in held.describe_without_effect(done):
        messages.warning(request, sentence)
