"""Which merge request a mail with patches would change, before anything is done with it."""

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

    The branch of a series is that of its cover letter, so a part that came before the cover letter
    goes by its own subject. Raises Rejected for what `read_patches` rejects.
    """
    mailed = read_patches(email)
    thread, branch, words = thread_of(email), email.subject.strip(), mailed.description
    if mailed.tag is not None:
        branch = branch_from(mailed.title)
    if mailed.tag is not None and is_part(email, mailed, project=project, author=author):
        words = mailed.remark if mailed.tag.is_cover else NO_TEXT
        parts = SeriesPart.objects.filter(
            project=project, author=author, message_id__in=find_names(thread)
        )
        if cover := parts.filter(number=0).order_by("-pk").first():
            branch, words = branch_from(cover.title), cover.words
            thread = [*thread, *cover.references]
    elif not (mailed.tag and mailed.mails):
        thread = []
    return find_merge_request(project, thread) or quick_actions.find_proposed(
        project=project, source_branch=branch, description=words
    )
