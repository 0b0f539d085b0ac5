"""Patches with a text: a merge request, or a further version of one, with the text's commands."""

from collections.abc import Sequence

from django.db import transaction

from issues import services, uploads
from issues.marked_text import NO_TEXT, MarkedText
from issues.models import MergeRequest, Project, User
from issues.quick_actions.opening import split_opening
from issues.quick_actions.types import Answered, Written
from issues.quick_actions.writing import read, run_commands, write_note
from issues.services import PatchSet
from issues.uploads import NewFile


def propose_merge_request(  # noqa: PLR0913  (one argument a column)
    *,
    project: Project,
    author: User,
    source_branch: str,
    patches: PatchSet,
    title: str = "",
    description: MarkedText = NO_TEXT,
    remark: MarkedText = NO_TEXT,
    answered: Answered | None = None,
    files: Sequence[NewFile] = (),
) -> Written:
    """/target_branch decides where the patches are put. `remark` is said of a further version, in
    the discussion that is `answered` if it is one of that merge request."""
    reading = read(description)
    opening = split_opening(reading.commands, MergeRequest)
    with uploads.rolled_back_on_error(), transaction.atomic():
        version = services.propose_merge_request(
            project=project,
            author=author,
            source_branch=source_branch,
            target_branch=opening.target_branch or project.default_branch,
            patches=patches,
            title=opening.title or title,
            description=reading.text,
            draft=bool(opening.draft),
            files=files,
        )
        item = version.merge_request
        if version.number > 1:
            return _comment(item, author, patches, remark=remark, answered=answered, files=files)
        now = patches.received_at
        result = run_commands(opening.others, item=item, actor=author, now=now, announced=True)
    return Written(item, None, (*opening.done, *result.done), (*reading.doubts, *result.refused))


def find_proposed(
    *, project: Project, source_branch: str, description: MarkedText
) -> MergeRequest | None:
    """The merge request that `propose_merge_request` would change instead of opening one."""
    opening = split_opening(read(description).commands, MergeRequest)
    return services.find_opened(
        project,
        source_branch=source_branch,
        target_branch=opening.target_branch or project.default_branch,
    )


def add_version(
    *,
    merge_request: MergeRequest,
    author: User,
    patches: PatchSet,
    remark: MarkedText = NO_TEXT,
    answered: Answered | None = None,
    files: Sequence[NewFile] = (),
) -> Written:
    with uploads.rolled_back_on_error(), transaction.atomic():
        services.add_version(merge_request=merge_request, author=author, patches=patches)
        return _comment(
            merge_request, author, patches, remark=remark, answered=answered, files=files
        )


def _comment(
    item: MergeRequest,
    author: User,
    patches: PatchSet,
    *,
    remark: MarkedText,
    answered: Answered | None,
    files: Sequence[NewFile],
) -> Written:
    if not (remark.source.strip() or files):
        return Written(item)
    return write_note(
        item=item,
        author=author,
        body=remark,
        now=patches.received_at,
        discussion=answered.on(item) if answered else "",
        files=files,
    )
