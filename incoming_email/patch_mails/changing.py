"""Which merge request a mail with patches would change, before anything is done with it."""

from collections.abc import Sequence

from django.db.models import QuerySet

from incoming_email.models import SeriesPart
from incoming_email.parsing.types import ParsedEmail
from incoming_email.patch_mails.proposing import find_merge_request
from incoming_email.patch_mails.reading import branch_from, read_patches, thread_of
from incoming_email.patch_mails.series import is_part
from issues import quick_actions
from issues.marked_text import NO_TEXT
from issues.models import MergeRequest, Project, User, find_names


def find_changed(email: ParsedEmail, *, project: Project, author: User) -> MergeRequest | None:
    """The open one that gets a further version by this mail to a private address, or by the series
    that it is a part of; None where one would be opened, or where it is not yet known.

    The branch of a series is that of its cover letter, else of its first patch; until one of them
    has come, a part goes by its own subject. Raises Rejected for what `read_patches` rejects.
    """
    mailed = read_patches(email)
    thread, branch, words = thread_of(email), email.subject.strip(), mailed.description
    if mailed.tag is not None:
        branch = branch_from(mailed.title)
    if mailed.tag is not None and is_part(email, mailed, project=project, author=author):
        words = mailed.remark if mailed.tag.is_cover else NO_TEXT
        kept = _find_named(thread, project=project, author=author)
        if first := kept.filter(number__lte=1).order_by("number", "-pk").first():
            branch, words = branch_from(first.title), first.words
            thread = [*thread, *first.references]
    elif not (mailed.tag and mailed.mails):
        thread = []
    return find_merge_request(project, thread) or quick_actions.find_proposed(
        project=project, source_branch=branch, description=words
    )


def awaits_cover(email: ParsedEmail, *, project: Project, author: User) -> bool:
    """Is it a patch of a series whose cover letter has not come, so that `find_changed` may know
    more later? Raises Rejected for what `read_patches` rejects."""
    mailed = read_patches(email)
    if mailed.tag is None or mailed.tag.is_cover:
        return False
    if not is_part(email, mailed, project=project, author=author):
        return False
    kept = _find_named(thread_of(email), project=project, author=author)
    return not kept.filter(number=0).exists()


def _find_named(thread: Sequence[str], *, project: Project, author: User) -> QuerySet[SeriesPart]:
    """The kept parts that a mail of this thread answers."""
    return SeriesPart.objects.filter(
        project=project, author=author, message_id__in=find_names(thread)
    )
