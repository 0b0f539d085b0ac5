"""In which discussion a note stands, and whether only the team reads it: decided for everybody."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from issues.known_discussions import find_discussion
from issues.models import Issue, MergeRequest, User, new_discussion
from issues.services.refusals import Gone, require


@dataclass(frozen=True, slots=True)
class Spot:
    discussion: str
    internal: bool


def find_spot(
    *,
    item: Issue | MergeRequest,
    author: User | None,
    discussion: str,
    internal: bool,
    by_mail: bool = False,
) -> Spot:
    """Where a note goes that is meant for `discussion`; "" begins one. `by_mail`: what it answers
    was read in a mail, and may have been internal where the author sees public notes only.

    In an internal discussion every note is internal, whatever was asked for. An internal note that
    answers a public one begins its own, so that each has one kind of reader. So does an answer to
    a system note, which is a record and no discussion. `author`: None where nobody's permission
    is asked.

    Raises Gone where the discussion is gone, since it may have been an internal one, and
    NotAllowed where the note would be internal and the author may not write such.

    No row is locked: what makes an answer internal is in the notes that the author had read
    before, and neither a new note nor the loss of one takes it back.
    """
    if not discussion:
        return _begin(item, author, internal=internal)
    found = find_discussion(item, discussion)
    if found.internal:
        return _answer_internal(
            item, author, discussion, is_seen=found.public and not (internal or by_mail)
        )
    if found.public and not internal:
        return Spot(discussion, internal=False)
    if found.public or found.system:
        return _begin(item, author, internal=internal)
    raise Gone(
        [
            _(
                "What you answer is no longer there. Write a new comment, and mark it internal if"
                " only the team is to read it."
            )
        ]
    )


def _answer_internal(
    item: Issue | MergeRequest, author: User | None, discussion: str, *, is_seen: bool
) -> Spot:
    """`is_seen`: notes of it are public, of a time when it was not all internal. Who sees those
    only, on the page, answers them, and in a discussion of their own."""
    if author is None or author.has_perm("issues.read_internal", item.project):
        return Spot(discussion, internal=True)
    return _begin(item, author, internal=not is_seen)


def _begin(item: Issue | MergeRequest, author: User | None, *, internal: bool) -> Spot:
    if internal and author is not None:
        require(author, "issues.read_internal", item.project)
    return Spot(new_discussion(), internal)
