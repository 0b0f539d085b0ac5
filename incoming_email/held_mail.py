"""Held messages: what pages show of one, safely, and what is done once a person has decided."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from incoming_email.models import InboundEmail, InboundEmailQuerySet
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.pipeline import processing, reviewing
from incoming_email.pipeline.isolation.reading import NoLookError, find_look, parse_for_page
from incoming_email.pipeline.resolving import look_up
from issues.admin.framing import serve_in_frame
from issues.bearer_secrets import cut_secrets
from issues.models import Issue, Project, User
from issues.notifications import find_told_issues
from issues.rendering import render_markdown

OF_OTHER_READERS = (Reason.INTERNAL_ANSWER, Reason.CONFIDENTIAL_ANSWER)
"""Held since they may be about something that the readers of the page may not read. Each is looked
at by itself before it is released, by a maintainer."""

FOR_MAINTAINERS = (Reason.SPAM, *OF_OTHER_READERS)
"""What is held for these is decided on the project's page alone."""

MOST_ON_ISSUE = 50

_DATA = re.compile(r"(data:image/[a-z]{3,4};base64,[A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class Shown:
    """The content of a held message as pages show it: without secrets of ours in it."""

    subject: str
    text: SafeString
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A held message, before somebody who looks at it."""

    row: InboundEmail
    email: ParsedEmail | None
    """None where no parser could be started."""

    may_read: bool
    """Not what is also about another project: administrators only."""

    @property
    def shown(self) -> Shown | None:
        return _show(self.email) if self.email is not None and self.may_read else None


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A line of a list."""

    pk: int
    sender: str
    subject: str
    reason: str
    received_at: datetime


def find_held(project: Project) -> InboundEmailQuerySet:
    return InboundEmail.objects.filter(project=project, status=Status.HELD)


def find_held_on(issue: Issue) -> InboundEmailQuerySet:
    """Mail of external senders on this issue, of which its team decides; neither spam nor what may
    be about something else."""
    rows = InboundEmail.objects.filter(issue=issue, status=Status.HELD)
    return rows.exclude(reason__in=FOR_MAINTAINERS)


def carry_held(issue: Issue, into: Issue) -> None:
    """What is held on an issue goes where the issue goes: it is decided about there."""
    find_held_on(issue).update(issue=into, project=into.project)


def list_held_on(issue: Issue) -> list[HeldMessage]:
    """The oldest first, in two queries; one where there is none."""
    fields = ("pk", "sender", "subject", "reason", "received_at")
    rows = list(find_held_on(issue).only(*fields).order_by("received_at", "pk")[:MOST_ON_ISSUE])
    subjects = cut_secrets(*(row.subject for row in rows)) if rows else ()
    return [
        HeldMessage(row.pk, row.sender, subject, str(Reason(row.reason).label), row.received_at)
        for row, subject in zip(rows, subjects, strict=True)
    ]


def look_at(row: InboundEmail, project: Project, reader: User) -> Look:
    email = parse_for_page(bytes(row.raw), recipient=row.recipient)
    may_read = email is not None and (reader.is_superuser or _is_of(project, row, email))
    return Look(row, email, may_read)


def serve_html(request: HttpRequest, look: Look) -> HttpResponse:
    """How it looked, for a frame that can do nothing. Raises Http404."""
    if not look.may_read:
        raise Http404
    try:
        html = find_look(bytes(look.row.raw)).html
    except NoLookError:
        raise Http404 from None
    pieces = _DATA.split(html)  # the bytes of an image hold no key, and take long to search
    pieces[::2] = cut_secrets(*pieces[::2])
    response: HttpResponse = serve_in_frame(
        request, f'<!doctype html><meta charset="utf-8">{"".join(pieces)}'
    )
    return response


def decide(
    ids: Sequence[int],
    *,
    actor: User,
    release: bool,
    also: Callable[[], object] | None = None,
) -> list[int]:
    """Release or discard those that are held still, and let what is released have its attempt;
    return which they were. `also` is done in the same transaction, where there were any. Recorded
    in the history that administrators see."""
    change = reviewing.release if release else reviewing.discard
    with transaction.atomic():
        done = change(ids, now=timezone.now())
        if also is not None and done:
            also()
        LogEntry.objects.log_actions(
            user_id=actor.pk,
            queryset=InboundEmail.objects.filter(pk__in=done).only("pk"),
            action_flag=CHANGE,
            change_message=gettext("Released.") if release else gettext("Discarded."),
        )
    if release:
        processing.process_each(done)
    return done


def describe_without_effect(ids: Sequence[int]) -> list[str]:
    """A sentence for each reason why something that was released did nothing: it may be on no page
    of the project any more. Discarding is what was asked for."""
    without = InboundEmail.objects.filter(pk__in=ids).exclude(reason__in=("", Reason.DISCARDED))
    ended = without.filter(status__in=(Status.IGNORED, Status.REJECTED, Status.FAILED))
    again = without.filter(status=Status.HELD)
    return [*_describe_ended(ended), *_describe_held_again(again)]


def _describe_ended(rows: InboundEmailQuerySet) -> list[str]:
    return [
        ngettext(
            "%(count)d message had no effect: %(reason)s An administrator can process it again.",
            "%(count)d messages had no effect: %(reason)s An administrator can process them again.",
            count,
        )
        % {"count": count, "reason": Reason(reason).label}
        for reason, count in _count_reasons(rows)
    ]


def _describe_held_again(rows: InboundEmailQuerySet) -> list[str]:
    return [
        ngettext(
            "%(count)d message is held for another reason now: %(reason)s",
            "%(count)d messages are held for another reason now: %(reason)s",
            count,
        )
        % {"count": count, "reason": Reason(reason).label}
        for reason, count in _count_reasons(rows)
    ]


def _count_reasons(rows: InboundEmailQuerySet) -> list[tuple[str, int]]:
    return sorted(Counter(rows.values_list("reason", flat=True)).items())


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
