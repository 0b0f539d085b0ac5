"""From patches in hand to a merge request: a new one, or a further version of one that is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from incoming_email.models import InboundEmail
from issues import quick_actions
from issues.marked_text import NO_TEXT, MarkedText
from issues.models import MergeRequest, Project, State, User, find_names
from issues.quick_actions import Answered, Written
from issues.services import PatchSet
from issues.uploads import NewFile

MAX_THREAD = 100
"""Ids of a thread that are looked up, the nearest first."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that come with the patches."""

    branch: str
    title: str = ""
    description: MarkedText = NO_TEXT
    remark: MarkedText = NO_TEXT
    """What a further version is commented with."""

    answered: Answered | None = None
    """Where the remark stands, if it is about that merge request."""

    files: tuple[NewFile, ...] = ()


def find_merge_request(project: Project, thread: Sequence[str]) -> MergeRequest | None:
    """The open one that a mail of this thread made or wrote to, and of several the newest. An id
    that two mails have is the first one's: the other took it from there."""
    rows = InboundEmail.objects.filter(
        message_id__in=find_names(thread[:MAX_THREAD]), merge_request__project=project
    )
    first = dict(rows.order_by("-pk").values_list("message_id", "pk"))
    rows = rows.filter(pk__in=first.values(), merge_request__state=State.OPENED)
    row = rows.select_related("merge_request__project").order_by("-pk").first()
    return row.merge_request if row is not None else None


def propose(*, project: Project, author: User, texts: Texts, patches: PatchSet) -> Written:
    return quick_actions.propose_merge_request(
        project=project,
        author=author,
        source_branch=texts.branch,
        patches=patches,
        title=texts.title,
        description=texts.description,
        remark=texts.remark,
        answered=texts.answered,
        files=texts.files,
    )


def update(
    *, merge_request: MergeRequest, author: User, texts: Texts, patches: PatchSet
) -> Written:
    return quick_actions.add_version(
        merge_request=merge_request,
        author=author,
        patches=patches,
        remark=texts.remark,
        answered=texts.answered,
        files=texts.files,
    )
