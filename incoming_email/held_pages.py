"""Held mail of a project: its maintainers look at it, and release or discard it."""

import re
from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from incoming_email.models import InboundEmail, InboundEmailQuerySet
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline import processing, reviewing
from incoming_email.pipeline.isolation.reading import NoLookError, find_look, parse_for_page
from incoming_email.pipeline.resolving import look_up
from issues.admin.framing import serve_in_frame
from issues.bearer_secrets import cut_secrets
from issues.models import Project
from issues.notifications import find_told_issues
from issues.rendering import render_markdown
from issues.views.reading import MemberRequest, find_project

ROWS_A_PAGE = 50
OF_OTHER_READERS = (Reason.INTERNAL_ANSWER, Reason.CONFIDENTIAL_ANSWER)
"""Held since they may be about something that the maintainers of this project may not read. Each is
looked at by itself before it is released."""

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DATA = re.compile(r"(data:image/[a-z]{3,4};base64,[A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Shown:
    """A held message as a maintainer sees it: without secrets of ours in it."""

    subject: str
    text: SafeString
    files: tuple[str, ...]


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
    row = get_object_or_404(_find_held(project).select_related("mailbox"), pk=pk)
    email = parse_for_page(bytes(row.raw), recipient=row.recipient)
    if email is None:
        context = {"project": project, "row": row, "is_unread": True}
        return render(request, "incoming_email/held_message.html", context, status=503)
    may_read = request.user.is_superuser or _is_of(project, row, email)
    is_spam = row.reason == Reason.SPAM
    if request.method == "POST":
        if may_read:
            _decide(request, [row.pk])
        return redirect(_name_list(spam=is_spam), path=project.path)
    shown = _show(email) if may_read else None
    context = {"project": project, "row": row, "shown": shown, "spam": is_spam}
    return render(request, "incoming_email/held_message.html", context)


@login_required
@require_safe
def held_message_html(request: MemberRequest, path: str, pk: int) -> HttpResponse:
    """How it looked, for a frame that can do nothing."""
    project = _find_maintained(request, path)
    row = get_object_or_404(_find_held(project).select_related("mailbox"), pk=pk)
    content = bytes(row.raw)
    email = parse_for_page(content, recipient=row.recipient)
    if email is None or not (request.user.is_superuser or _is_of(project, row, email)):
        raise Http404
    try:
        html = find_look(content).html
    except NoLookError:
        raise Http404 from None
    pieces = _DATA.split(html)  # the bytes of an image hold no key, and take long to search
    pieces[::2] = cut_secrets(*pieces[::2])
    response: HttpResponse = serve_in_frame(
        request, f'<!doctype html><meta charset="utf-8">{"".join(pieces)}'
    )
    return response


def _find_maintained(request: MemberRequest, path: str) -> Project:
    """Any other project is answered like one that does not exist."""
    project = find_project(request, path)
    if not request.user.has_perm("issues.administer_project", project):
        raise Http404
    return project


def _find_held(project: Project) -> InboundEmailQuerySet:
    return InboundEmail.objects.filter(project=project, status=Status.HELD)


def _find_list(project: Project, *, spam: bool) -> InboundEmailQuerySet:
    rows = _find_held(project)
    return rows.held_spam() if spam else rows.held()


def _name_list(*, spam: bool) -> str:
    return "held-spam" if spam else "held-mail"


def _cut_subjects(page: "Page[InboundEmail]") -> None:
    """One look-up for all."""
    rows = list(page)
    for row, subject in zip(rows, cut_secrets(*(row.subject for row in rows)), strict=True):
        row.subject = "" if row.reason in OF_OTHER_READERS else subject
    page.object_list = rows


def _is_of(project: Project, row: InboundEmail, email: ParsedEmail) -> bool:
    """Whether all that the message names of ours, which it may quote, is of this project."""
    (named,) = look_up([email], row.mailbox.template).named
    projects = {place.item.project_id for place in named}
    opened = find_told_issues([*email.answered_ids, *email.attached_ids])
    return {*projects, *(issue.project_id for issue in opened)} <= {project.pk}


def _show(email: ParsedEmail) -> Shown:
    names = [file.filename for file in email.attachments]
    subject, text, *names = cut_secrets(email.subject, email.text, *names)
    return Shown(subject, render_markdown(text), tuple(names))


def _decide(request: MemberRequest, ids: list[int]) -> None:
    """By the button that was pressed. Recorded in the history that administrators see."""
    release = "release" in request.POST
    change = reviewing.release if release else reviewing.discard
    with transaction.atomic():
        done = change(ids, now=timezone.now())
        LogEntry.objects.log_actions(
            user_id=request.user.pk,
            queryset=InboundEmail.objects.filter(pk__in=done).only("pk"),
            action_flag=CHANGE,
            change_message=gettext("Released.") if release else gettext("Discarded."),
        )
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
    if release:
        processing.process_each(done)
    messages.success(request, said % {"count": len(done)})
    _tell_what_had_no_effect(request, done)


def _tell_what_had_no_effect(request: MemberRequest, ids: list[int]) -> None:
    """Their rows are on no page of the project any more. Discarding is what was asked for."""
    without = InboundEmail.objects.filter(pk__in=ids).exclude(reason__in=("", Reason.DISCARDED))
    ended = without.filter(status__in=(Status.IGNORED, Status.REJECTED, Status.FAILED))
    for reason, count in sorted(Counter(ended.values_list("reason", flat=True)).items()):
        said = ngettext(
            "%(count)d message had no effect: %(reason)s An administrator can process it again.",
            "%(count)d messages had no effect: %(reason)s An administrator can process them again.",
            count,
        )
        messages.warning(request, said % {"count": count, "reason": Reason(reason).label})
