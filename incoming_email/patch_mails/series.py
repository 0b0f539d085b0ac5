"""Series whose patches come in separate mails, in any order: stored until they are complete."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incoming_email.keys.answered import find_answered
from incoming_email.models import InboundEmail, SeriesPart
from incoming_email.outcomes import Status
from incoming_email.parsing.types import ParsedEmail
from incoming_email.patch_mails.grouping import (
    Part,
    find_group,
    may_lack_cover,
    missing_numbers,
)
from incoming_email.patch_mails.proposing import Texts, find_merge_request, propose, update
from incoming_email.patch_mails.reading import MailedPatches, branch_from, thread_of
from issues.marked_text import NO_TEXT
from issues.models import OutgoingEmail, Project, User, find_names, id_columns
from issues.patches import parse_subject
from issues.quick_actions import Written
from issues.repositories import Refused, Why, sentence
from issues.services import PatchSet
from issues.services.refusals import require

MAX_REFERENCES = 100
SERIES_AT_ONCE = 5
"""Of the greatest length, of one person."""


@dataclass(frozen=True, slots=True)
class Series:
    """The parts of one series that have come, in order."""

    parts: tuple[SeriesPart, ...]
    missing: tuple[int, ...]
    lacks_cover: bool = False

    @property
    def is_complete(self) -> bool:
        return not (self.missing or self.lacks_cover)

    @property
    def is_reported(self) -> bool:
        return any(part.is_reported for part in self.parts)

    @property
    def first(self) -> SeriesPart:
        """The cover letter, or else the first patch."""
        return self.parts[0]


def is_part(email: ParsedEmail, mailed: MailedPatches, *, project: Project, author: User) -> bool:
    """Does it come with others? A patch 1/1 does if it answers its cover letter, which has come or
    is still to come."""
    answered = thread_of(email)[:1]
    if mailed.is_part or not (mailed.may_have_cover and answered):
        return mailed.is_part
    covers = SeriesPart.objects.filter(
        project=project, author=author, number=0, total=1, message_id__in=find_names(answered)
    )
    is_known = _is_older(answered[0]) or find_answered(answered, author=author) is not None
    return covers.exists() or not is_known


def take_part(
    email: ParsedEmail,
    mailed: MailedPatches,
    *,
    project: Project,
    author: User,
    inbound_email_id: int,
    now: datetime,
) -> Written | None:
    """Store the part; returns None while others are missing, else the result of the whole
    series."""
    require(author, "issues.open_merge_request", project)
    # Two parts at once: the second one sees the first, so that exactly one completes the series.
    Project.objects.select_for_update().get(pk=project.pk)
    _require_room(author, mailed)
    part = _keep(email, mailed, project=project, author=author, now=now, row=inbound_email_id)
    series = find_series(part)
    if not series.is_complete:
        return None
    return open_series(series, source=f"inbound-{inbound_email_id}", now=now)


def _require_room(author: User, mailed: MailedPatches) -> None:
    """A person can't fill the table with parts of series that never end."""
    total = mailed.tag.total if mailed.tag else 1
    waiting = SeriesPart.objects.filter(author=author).count()
    size = sum(map(len, mailed.mails))
    if total > settings.MAX_SERIES_PATCHES or size > settings.MAX_PATCH_BYTES:
        raise Refused(
            Why.PATCH,
            sentence(
                _(
                    "A series may have %(limit)s patches of together %(bytes)s bytes, and this"
                    " one has more. Send it in parts."
                ),
                limit=settings.MAX_SERIES_PATCHES,
                bytes=settings.MAX_PATCH_BYTES,
            ),
        )
    if waiting >= settings.MAX_SERIES_PATCHES * SERIES_AT_ONCE:
        raise Refused(
            Why.PATCH,
            sentence(
                _(
                    "%(count)s patches of yours wait for the rest of their series. Send what is"
                    " missing first."
                ),
                count=waiting,
            ),
        )


def _keep(
    email: ParsedEmail,
    mailed: MailedPatches,
    *,
    project: Project,
    author: User,
    now: datetime,
    row: int,
) -> SeriesPart:
    tag = mailed.tag
    assert tag is not None  # noqa: S101  (is_part)
    words = mailed.remark if tag.is_cover else NO_TEXT
    return SeriesPart.objects.create(
        project=project,
        author=author,
        inbound_email_id=row or None,
        revision=tag.revision,
        number=tag.number,
        total=tag.total,
        **id_columns(email.message_id),
        references=thread_of(email)[:MAX_REFERENCES],
        title=mailed.title[:255],
        description=words.source,
        others=sorted(words.others | words.below_others),
        content=mailed.mails[0] if mailed.mails else b"",
        received_at=now,
    )


def find_waiting(
    email: ParsedEmail, *, project: Project, author: User, inbound_email_id: int
) -> tuple[int, ...]:
    """The stored parts of the series that a mail belongs to, whether it is stored itself or was
    rejected before."""
    parts = SeriesPart.objects.filter(project=project, author=author)
    own = parts.filter(inbound_email_id=inbound_email_id).first()
    if own is not None:
        return tuple(part.pk for part in find_series(own).parts if part != own)
    tag = parse_subject(email.subject)
    if tag is None:
        return ()
    names = [name for name in (email.message_id[:255], *thread_of(email)[:1]) if name]
    parts = parts.filter(revision=tag.revision, total=tag.total)
    near = parts.filter(Q(message_id__in=names) | Q(references__0__in=names))
    return tuple(near.values_list("pk", flat=True))


def note_reported(parts: Iterable[int]) -> None:
    """Their sender knows what became of the series. They wait on: the message that was rejected may
    be processed again."""
    SeriesPart.objects.filter(pk__in=parts).update(is_reported=True)


def find_series(part: SeriesPart) -> Series:
    rows = SeriesPart.objects.filter(
        project=part.project, author=part.author, revision=part.revision, total=part.total
    )
    by_key = {row.pk: row for row in rows.select_related("project", "author")}
    group = find_group(
        (
            Part(pk, row.number, row.whole_message_id, tuple(row.references))
            for pk, row in by_key.items()
        ),
        part.pk,
    )
    missing = tuple(missing_numbers(group, part.total))
    lacks_cover = not missing and may_lack_cover(group) and not _is_older(group[0].references[0])
    return Series(tuple(by_key[each.key] for each in group), missing, lacks_cover)


def _is_older(message_id: str) -> bool:
    """A mail that has come to its end, as an earlier revision, taken or rejected, is no cover to
    wait for; nor is one of ours, as a notice of why that was rejected."""
    ended = (Status.PROCESSED, Status.REJECTED)
    return (
        InboundEmail.objects.filter(
            message_id__in=find_names([message_id]), status__in=ended
        ).exists()
        or OutgoingEmail.objects.filter(message_id=message_id).exists()
    )


def open_series(series: Series, *, source: str, now: datetime) -> Written:
    """Apply the whole series. Raises Refused, and then its parts still wait."""
    first = series.first
    mails = tuple(bytes(part.content) for part in series.parts if part.number > 0)
    patches = PatchSet(mails=mails, source=source, received_at=now, revision=first.revision)
    thread = [name for part in series.parts for name in (part.whole_message_id, *part.references)]
    texts = Texts(
        branch=branch_from(first.title),
        title=first.title if first.number == 0 else "",
        description=first.words,
        remark=first.words,
        answered=find_answered(thread, author=first.author),
    )
    merge_request = find_merge_request(first.project, thread)
    if merge_request is None:
        written = propose(project=first.project, author=first.author, texts=texts, patches=patches)
    else:
        written = update(
            merge_request=merge_request, author=first.author, texts=texts, patches=patches
        )
    mailed = InboundEmail.objects.filter(series_part__in=series.parts)
    mailed.update(merge_request=written.item.pk)
    drop_series(series)
    return written


def drop_series(series: Series) -> None:
    SeriesPart.objects.filter(pk__in=[part.pk for part in series.parts]).delete()


def find_expired(*, now: datetime) -> list[SeriesPart]:
    """The oldest parts that have waited for too long."""
    limit = now - timedelta(hours=settings.SERIES_WAIT_HOURS)
    expired = SeriesPart.objects.filter(received_at__lte=limit)
    return list(expired.order_by("pk").select_related("project")[: settings.SWEEP_BATCH])
