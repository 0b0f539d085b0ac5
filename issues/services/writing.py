"""New issues, merge requests and notes, each with its announcement."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext as _

from issues import outbox, uploads
from issues.bearer_secrets import cut_secrets, cut_secrets_in_file
from issues.diffs import LinePosition
from issues.models import (
    Announcement,
    Event,
    Issue,
    MergeRequest,
    Note,
    NotePosition,
    Project,
    State,
    User,
    storable,
)
from issues.own_footers import cut_footers
from issues.services.discussions import find_spot
from issues.services.outside import is_mailed_outside
from issues.services.refusals import Invalid, require
from issues.uploads import NewFile

MAX_TITLE = 255
NO_SUBJECT = "(no subject)"
"""The same in every language: rules of people's mail programs match it."""


_gathered: ContextVar[list[Announcement] | None] = ContextVar("gathered", default=None)


def title_from(text: str) -> str:
    """One line of at most 255 characters, never blank."""
    line = re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()
    return line[:MAX_TITLE].rstrip() or NO_SUBJECT


def clean_texts(*texts: str) -> list[str]:
    """What people wrote, or their mails brought along, as others may read it: without the footers
    of our mails, and without links and keys of ours that act for a person."""
    return cut_secrets(*map(cut_footers, map(storable, texts)))


def clean_files(files: Sequence[NewFile]) -> list[NewFile]:
    """The same of their files and the names of these: a mail of ours may be attached as one."""
    names = cut_secrets(*(file.filename for file in files))
    return [
        replace(
            file,
            filename=name,
            content=cut_secrets_in_file(file.content, name=name, content_type=file.content_type),
        )
        for name, file in zip(names, files, strict=True)
    ]


@transaction.atomic
def create_issue(  # noqa: PLR0913  (one argument a column)
    *,
    project: Project,
    author: User | None,
    title: str,
    description: str = "",
    confidential: bool = False,
    external_author: str = "",
    files: Sequence[NewFile] = (),
) -> Issue:
    """With `external_author` nobody's permission is asked: the address let them write, and an
    `author` then only represents the desk. Without it there must be an author."""
    _require_author(author, external_author)
    if author is not None and not external_author:
        require(author, "issues.open_issue", project)
    title, description = clean_texts(title, description)
    chosen = uploads.choose_files(clean_files(files))
    with uploads.rolled_back_on_error():
        issue = Issue.objects.create(
            project=project,
            iid=next_issue_iid(project),
            author=author,
            external_author=external_author,
            title=title_from(title),
            description=uploads.insert_links(description, chosen),
            confidential=confidential,
        )
        uploads.create_uploads(project=project, owner=issue, uploader=author, chosen=chosen)
        announce(Announcement(event=Event.NEW_ISSUE, issue=issue, actor=author))
    return issue


def create_note(  # noqa: PLR0913  (one argument a column)
    *,
    item: Issue | MergeRequest,
    author: User | None,
    body: str,
    quoted: str = "",
    discussion: str = "",
    internal: bool = False,
    by_mail: bool = False,
    external_author: str = "",
    files: Sequence[NewFile] = (),
    position: LinePosition | None = None,
    event: Event = Event.NEW_NOTE,
) -> Note:
    """Three queries without files, four in a discussion. Internal notes are for reporters and
    above; `find_spot` says which are internal and where they stand. `position` is the line of a
    diff that it is about. `event` is what people are notified of, by one mail each.

    All that can be refused is refused before the first write, so inside somebody's transaction no
    savepoint is needed: a fault in a write breaks all of it anyway.
    """
    _require_author(author, external_author)
    asked = None if external_author else author
    if asked is not None:
        require(asked, "issues.comment_on", item)
    spot = find_spot(
        item=item, author=asked, discussion=discussion, internal=internal, by_mail=by_mail
    )
    body, quoted = clean_texts(body, quoted)
    chosen, remarks = uploads.Chosen(), list[str]()
    if files:
        destination = uploads.Destination(item, author, external_author, spot.internal)
        chosen = uploads.choose_files(clean_files(files), destination)
        body, remarks = _insert_links(body, chosen, item, internal=spot.internal)
    if not body.strip():
        raise Invalid([_("The comment is empty. Write some text or attach a file.")])
    with uploads.rolled_back_on_error(), transaction.atomic(savepoint=False):
        note = Note.objects.create(
            **{item.COLUMN: item},
            author=author,
            external_author=external_author,
            body=body,
            quoted=quoted,
            discussion=spot.discussion,
            internal=spot.internal,
        )
        if chosen.kept:
            uploads.create_uploads(project=item.project, owner=note, uploader=author, chosen=chosen)
        if position is not None:
            _create_position(note, position)
        announce(Announcement(event=event, note=note, actor=author))
        if remarks:
            _record_remarks(item, author, remarks)
    return note


def _insert_links(
    body: str, chosen: uploads.Chosen, item: Issue | MergeRequest, *, internal: bool
) -> tuple[str, list[str]]:
    """The body with the links to its files; and our remarks on them, where customers would
    read these as words of the author. A body of remarks alone is better than none."""
    remarks = uploads.find_remarks(chosen)
    if remarks and not internal and is_mailed_outside(item):
        linked = uploads.insert_links(body, chosen, with_remarks=False)
        if linked.strip():
            return linked, remarks
    return uploads.insert_links(body, chosen), []


def _record_remarks(
    item: Issue | MergeRequest, author: User | None, remarks: Sequence[str]
) -> None:
    """For the page, as a system note. Those are not mailed outside."""
    with translation.override(settings.LANGUAGE_CODE):
        sentence = _("sent files that are not kept as they came. %(remarks)s")
        body = sentence % {"remarks": " ".join(remarks)}
    Note.objects.create(**{item.COLUMN: item}, author=author, body=body, system=True)


def _create_position(note: Note, position: LinePosition) -> None:
    NotePosition.objects.create(
        note=note,
        base_sha=position.base_sha,
        head_sha=position.head_sha,
        old_path=position.old_path,
        path=position.path,
        old_line=position.old_line,
        new_line=position.new_line,
        blob=position.blob,
        excerpt=storable(position.excerpt),
    )


def announce(announcement: Announcement) -> None:
    """Write it in the transaction of the event; a worker is notified after the commit."""
    gathered = _gathered.get()
    if gathered is None:
        announcement.save(force_insert=True)
    else:
        gathered.append(announcement)
    outbox.wake_worker()


@contextmanager
def announced_together() -> Iterator[None]:
    """What is announced inside is written at the end by one statement; nothing after an error.

    Belongs inside the transaction that all of it shares.
    """
    gathered: list[Announcement] = []
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    Announcement.objects.bulk_create(gathered)


def write_gathered() -> None:
    """Those so far, for who must find them in the middle of `announced_together`."""
    gathered = _gathered.get()
    if gathered:
        Announcement.objects.bulk_create(gathered)
        gathered.clear()


@transaction.atomic
def create_merge_request(  # noqa: PLR0913  (one argument a column)
    *,
    project: Project,
    author: User,
    title: str,
    description: str = "",
    source_branch: str,
    target_branch: str,
    draft: bool = False,
    files: Sequence[NewFile] = (),
) -> MergeRequest:
    require(author, "issues.open_merge_request", project)
    _require_branches(project, source_branch, target_branch)
    title, description = clean_texts(title, description)
    chosen = uploads.choose_files(clean_files(files))
    with uploads.rolled_back_on_error():
        merge_request = MergeRequest.objects.create(
            project=project,
            iid=_next_merge_request_iid(project),
            author=author,
            title=title_from(title),
            description=uploads.insert_links(description, chosen),
            source_branch=source_branch,
            target_branch=target_branch,
            draft=draft,
        )
        uploads.create_uploads(project=project, owner=merge_request, uploader=author, chosen=chosen)
        announce(
            Announcement(event=Event.NEW_MERGE_REQUEST, merge_request=merge_request, actor=author)
        )
    return merge_request


def _require_author(author: User | None, external_author: str) -> None:
    if author is None and not external_author:
        raise Invalid([_("A text needs an author: an account, or the address of a person.")])


def _require_branches(project: Project, source: str, target: str) -> None:
    if not source.strip() or not target.strip():
        raise Invalid([_("A merge request needs a source branch and a target branch.")])
    if source == target:
        raise Invalid([_("Source and target branch are the same. Choose another one.")])
    # A new branch pair is taken while the row of the project is locked, so this cannot race.
    Project.objects.select_for_update().get(pk=project.pk)
    if project.merge_requests.filter(
        source_branch=source, target_branch=target, state=State.OPENED
    ).exists():
        raise Invalid([_("There is an open merge request for these branches already.")])


def next_issue_iid(project: Project) -> int:
    """The UPDATE locks the row of the project, so that nobody else reads the same number."""
    Project.objects.filter(pk=project.pk).update(last_issue_iid=F("last_issue_iid") + 1)
    return Project.objects.values_list("last_issue_iid", flat=True).get(pk=project.pk)


def _next_merge_request_iid(project: Project) -> int:
    Project.objects.filter(pk=project.pk).update(
        last_merge_request_iid=F("last_merge_request_iid") + 1
    )
    return Project.objects.values_list("last_merge_request_iid", flat=True).get(pk=project.pk)
