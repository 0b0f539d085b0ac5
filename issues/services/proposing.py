"""Merge requests whose commits come as patches: opened, and changed by further versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from issues import repositories
from issues.models import BranchMove, MergeRequest, MergeRequestVersion, Project, State, User
from issues.permissions import may_push
from issues.repositories import Applied, Refused, Why, sentence
from issues.services.branch_moves import finish_moves
from issues.services.recording import announce_change
from issues.services.refusals import require
from issues.services.writing import create_merge_request
from issues.uploads import NewFile


@dataclass(frozen=True, slots=True)
class PatchSet:
    """Patches that came together: mails with a diff each, in the order of their commits."""

    mails: tuple[bytes, ...]
    source: str
    """The cause, named for good (`inbound-42`): the same one never makes a second version."""

    received_at: datetime
    revision: int = 1
    """n of `[PATCH vn]`. From 2 on the patches replace the ones before them."""


@transaction.atomic
def propose_merge_request(  # noqa: PLR0913  (one argument a column)
    *,
    project: Project,
    author: User,
    source_branch: str,
    target_branch: str,
    patches: PatchSet,
    title: str = "",
    description: str = "",
    draft: bool = False,
    files: Sequence[NewFile] = (),
) -> MergeRequestVersion:
    """Put the patches on the source branch, which is made if need be, and open a merge request.

    If one is open for these branches, it gets a new version instead, and keeps its texts. Without
    patches the branch must be there. An empty title: the one commit's subject, or the branch's
    name. Raises Refused, and then nothing has changed.
    """
    require(author, "issues.open_merge_request", project)
    _require_names(source_branch, target_branch)
    # Whoever comes second sees what the first one did; a branch has one version at a time.
    Project.objects.select_for_update().get(pk=project.pk)
    if known := MergeRequestVersion.objects.filter(source=patches.source).first():
        return known
    opened = find_opened(project, source_branch=source_branch, target_branch=target_branch)
    if opened is not None:
        return _add_version(opened, author, patches)
    applied, old = _find_commits(project, source_branch, target_branch, author, patches)
    merge_request = create_merge_request(
        project=project,
        author=author,
        title=title or _default_title(applied, source_branch),
        description=description,
        source_branch=source_branch,
        target_branch=target_branch,
        draft=draft,
        files=files,
    )
    return _create_version(merge_request, author, patches, applied=applied, old=old)


def find_opened(project: Project, *, source_branch: str, target_branch: str) -> MergeRequest | None:
    """The merge request that is open for these branches."""
    found = project.merge_requests.filter(source_branch=source_branch, target_branch=target_branch)
    return found.filter(state=State.OPENED).first()


@transaction.atomic
def add_version(
    *, merge_request: MergeRequest, author: User, patches: PatchSet
) -> MergeRequestVersion:
    """More patches on the branch, or from revision 2 on others instead of the present ones."""
    require(author, "issues.open_merge_request", merge_request.project)
    Project.objects.select_for_update().get(pk=merge_request.project_id)
    if known := MergeRequestVersion.objects.filter(source=patches.source).first():
        return known
    merge_request.refresh_from_db(fields=["state", "target_branch"])
    return _add_version(merge_request, author, patches)


def _require_names(source: str, target: str) -> None:
    repositories.require_branch_name(source)
    repositories.require_branch_name(target)
    if source == target:
        _refuse(
            _(
                "Source and target branch are both “%(branch)s”. Put the name of a new branch into"
                " the subject."
            ),
            branch=source,
        )


def _require_push(author: User, project: Project, branch: str) -> None:
    if not may_push(author, project, branch):
        _refuse(
            _(
                "The branch “%(branch)s” is protected, so only maintainers may change it. Choose"
                " the name of another branch."
            ),
            branch=branch,
        )


def _find_head(project: Project, branch: str) -> str:
    """The head of the branch, including moves that have committed and are still due; empty without
    one."""
    owed = MergeRequestVersion.objects.filter(
        merge_request__project=project,
        merge_request__source_branch=branch,
        branch_move=BranchMove.OWED,
    )
    newest = owed.order_by("-pk").values_list("head_sha", flat=True).first()
    return newest or repositories.find_head(project, branch)


def _require_target(project: Project, branch: str) -> str:
    head = _find_head(project, branch)
    if not head:
        _refuse(
            _("There is no branch “%(branch)s” to merge into. Name another one by /target_branch."),
            branch=branch,
        )
    return head


def _find_commits(
    project: Project, source: str, target: str, author: User, patches: PatchSet
) -> tuple[Applied, str]:
    """The commits of a new merge request, and the former head of its source branch."""
    target_head, old = _require_target(project, target), _find_head(project, source)
    if patches.mails:
        _require_push(author, project, source)
        if not old:
            repositories.require_room_for(project, source)
        start = old or target_head
        applied = _apply(project, author, patches, start=start, target=target_head)
        _require_news(applied)
        return applied, old
    if not old:
        _refuse(
            _(
                "There is no branch “%(branch)s”, and no patch came with the mail. Attach patches"
                " made by git format-patch."
            ),
            branch=source,
        )
    base = repositories.find_merge_base(project, target_head, old)
    subjects = [c.subject for c in repositories.find_commits(project, base=base, head=old)]
    if not subjects:
        _refuse(_("The branch “%(branch)s” has no commit of its own to merge."), branch=source)
    return Applied(old, base, tuple(subjects)), old


def _apply(
    project: Project, author: User, patches: PatchSet, *, start: str, target: str
) -> Applied:
    return repositories.apply_patches(
        project,
        patches.mails,
        start=start,
        target=target,
        committer=author,
        now=patches.received_at,
    )


def _require_news(applied: Applied) -> None:
    if not applied.subjects:
        _refuse(_("What the patches change is there already, so there is nothing to merge."))


def _add_version(
    merge_request: MergeRequest, author: User, patches: PatchSet
) -> MergeRequestVersion:
    if not patches.mails:
        _refuse(
            _("There is an open merge request for these branches already: %(item)s."),
            item=merge_request,
        )
    if merge_request.state != State.OPENED:
        _refuse(
            _("%(item)s is not open, so it takes no patches. Open it again first."),
            item=merge_request,
        )
    project, branch = merge_request.project, merge_request.source_branch
    _require_push(author, project, branch)
    last = merge_request.versions.order_by("-number").first()
    if last is not None and 1 < patches.revision < last.revision:
        _refuse(
            _("Version %(new)s came after version %(last)s, which stays."),
            new=patches.revision,
            last=last.revision,
        )
    old = _find_head(project, branch)
    applied = _apply_further(merge_request, author, patches, old=old, last=last)
    _require_news(applied)
    version = _create_version(merge_request, author, patches, applied=applied, old=old)
    if last is not None:
        _announce_version(version)
    return version


def _apply_further(
    merge_request: MergeRequest,
    author: User,
    patches: PatchSet,
    *,
    old: str,
    last: MergeRequestVersion | None,
) -> Applied:
    """On top of the branch; a new revision from where the target is now, or else was before."""
    project = merge_request.project
    target = _require_target(project, merge_request.target_branch)
    if patches.revision == 1:
        return _apply(project, author, patches, start=old or target, target=target)
    try:
        return _apply(project, author, patches, start=target, target=target)
    except Refused as refusal:
        if refusal.why is not Why.CONFLICT or last is None or last.base_sha == target:
            raise
    return _apply(project, author, patches, start=last.base_sha, target=target)


def _create_version(
    merge_request: MergeRequest,
    author: User,
    patches: PatchSet,
    *,
    applied: Applied,
    old: str,
) -> MergeRequestVersion:
    """The row, and a pin that keeps its commits until the branch has moved after commit."""
    project = merge_request.project
    last = merge_request.versions.order_by("-number").values_list("number", "revision").first()
    number, revision = last or (0, 1)
    version = MergeRequestVersion.objects.create(
        merge_request=merge_request,
        number=number + 1,
        author=author,
        base_sha=applied.base,
        head_sha=applied.head,
        old_sha=old,
        patch_count=len(patches.mails) or len(applied.subjects),
        revision=max(revision, patches.revision),
        source=patches.source,
        created_at=patches.received_at,
    )
    if not repositories.is_discarding():
        repositories.pin(project, version_id=version.pk, commit=applied.head)
    transaction.on_commit(partial(finish_moves, project=project), robust=True)
    return version


def _announce_version(version: MergeRequestVersion) -> None:
    change = ngettext_lazy(
        "sent version %(number)s with %(count)s patch",
        "sent version %(number)s with %(count)s patches",
        version.patch_count,
    )
    if version.author is not None:
        announce_change(
            version.merge_request,
            version.author,
            change,
            number=str(version.number),
            count=str(version.patch_count),
        )


def _default_title(applied: Applied, branch: str) -> str:
    """The one commit's subject, else the name of the branch made readable."""
    if len(applied.subjects) == 1 and applied.subjects[0]:
        return applied.subjects[0]
    words = " ".join(branch.replace("/", ": ").replace("-", " ").replace("_", " ").split())
    return words[:1].upper() + words[1:]


def _refuse(text: str | Promise, **values: object) -> None:
    raise Refused(Why.BRANCH, sentence(text, **values))
