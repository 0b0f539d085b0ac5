"""From a text by mail to the domain and back: its files, refusals as rejections, its outcome."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter

from django.utils import translation

from incoming_email.handlers.base import Context
from incoming_email.outcomes import Outcome, Reason, Rejected
from incoming_email.parsing.types import ParsedEmail
from issues import quick_actions, services
from issues.marked_text import MarkedText
from issues.models import Issue, MergeRequest, User
from issues.quick_actions import Written
from issues.uploads import NewFile, find_references

REASON_OF = {
    services.Why.CONFLICT: Reason.PATCH_CONFLICT,
    services.Why.PATCH: Reason.PATCH_REFUSED,
    services.Why.BRANCH: Reason.BRANCH_REFUSED,
}


def new_files(
    email: ParsedEmail, inbound_email_id: int, *, quoted_is_cut: bool = False
) -> list[NewFile]:
    """The attachments, named after the ledger row and the position in the message: the same at
    every attempt.

    `quoted_is_cut`: the text becomes the reply alone, so pictures of the rest may be old.
    """
    if not email.attachments:
        return []
    cut = find_references(email.quoted) if quoted_is_cut else frozenset()
    cut -= find_references(email.reply)
    return [
        NewFile(
            filename=attachment.filename,
            content_type=attachment.content_type,
            content=attachment.content,
            source=f"inbound-{inbound_email_id}-{number}",
            content_id=attachment.content_id,
            inline=attachment.inline,
            is_old=attachment.content_id.strip("<>").lower() in cut,
        )
        for number, attachment in enumerate(email.attachments)
    ]


@contextmanager
def acting_for(author: User) -> Iterator[None]:
    """Around a call of the domain: sentences are in the language of the author.

    Raises Rejected for what a service refuses. What the author can't see is NOT_FOUND.
    """
    try:
        with translation.override(author.language):
            yield
    except services.Locked as error:
        raise Rejected(Reason.LOCKED) from error
    except services.NotVisible as error:
        raise Rejected(Reason.NOT_FOUND) from error
    except services.NotAllowed as error:
        raise Rejected(Reason.NOT_ALLOWED) from error
    except services.Refused as error:
        raise Rejected(REASON_OF[error.why], error.sentence) from error
    except services.Gone as error:
        raise Rejected(Reason.NOT_FOUND) from error
    except services.Invalid as error:
        raise Rejected(Reason.INVALID) from error


def write_reply(
    email: ParsedEmail,
    item: Issue | MergeRequest,
    author: User,
    *,
    discussion: str,
    context: Context,
) -> Written:
    """What a member wrote by mail becomes their note; commands in it are carried out. Raises
    Rejected where there is nothing, or a service refuses it."""
    files = new_files(email, context.inbound_email_id, quoted_is_cut=True)
    if not (email.reply.strip() or not all(map(attrgetter("is_old"), files))):
        raise Rejected(Reason.EMPTY)
    others = email.others_in_reply
    with acting_for(author):
        return quick_actions.write_note(
            item=item,
            author=author,
            body=MarkedText(email.reply, others.numbers, others.below, others.doubtful),
            now=context.now,
            quoted=email.quoted,
            discussion=discussion,
            by_mail=True,
            files=files,
        )


def outcome_of(written: Written, *, opened: bool = False) -> Outcome:
    """As the ledger stores it, and which commands failed. `opened`: the item itself was made by
    this text."""
    named = f"{'issue' if isinstance(written.item, Issue) else 'merge request'} {written.item}"
    if opened:
        return Outcome(named, written.item, written.refused)
    if written.note is None:
        return Outcome(f"commands on {named}", None, written.refused)
    return Outcome(f"note {written.note.pk} on {named}", written.note, written.refused)
