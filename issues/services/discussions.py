"""What a discussion holds, and in which one a note stands: decided for every way in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from operator import itemgetter

from django.utils.translation import gettext as _

from issues.models import Issue, MergeRequest, Note, User, new_discussion
from issues.services.refusals import Gone, require

Place = tuple[Issue | MergeRequest | None, str]
"""An item, and the name of a discussion on it."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """Which kinds of notes there are in it; none of any kind where it does not exist."""

    internal: bool = False
    public: bool = False
    system: bool = False


_Key = tuple[str, int, str]
"""The column of an item, its number, and the name of a discussion on it."""

_known: ContextVar[Mapping[_Key, Discussion] | None] = ContextVar("known_discussions", default=None)
_NONE = Discussion()


@contextmanager
def discussions_looked_up(places: Sequence[Place]) -> Iterator[None]:
    """One query for all of them, none where nobody answers anything; inside, `find_discussion`
    answers from it. For as long as a transaction at most: what changes meanwhile is not seen."""
    asked = {(item.COLUMN, item.pk, name) for item, name in places if item is not None and name}
    token = _known.set(_read(asked) if asked else {})
    try:
        yield
    finally:
        _known.reset(token)


def find_discussion(item: Issue | MergeRequest, name: str) -> Discussion:
    """The notes of that name on this item; those on another item do not count."""
    key = (item.COLUMN, item.pk, name)
    known = _known.get() or {}
    return known[key] if key in known else _read({key})[key]


def _read(keys: set[_Key]) -> dict[_Key, Discussion]:
    found = dict.fromkeys(keys, _NONE)
    rows = Note.objects.filter(discussion__in=set(map(itemgetter(2), keys)))
    kinds = rows.values_list("issue_id", "merge_request_id", "discussion", "internal", "system")
    for issue, merge_request, name, internal, system in kinds.distinct():
        column = Issue.COLUMN if issue else MergeRequest.COLUMN
        key = (column, issue or merge_request, name)
        if before := found.get(key):
            found[key] = Discussion(
                internal=before.internal or internal,
                public=before.public or not (internal or system),
                system=before.system or system,
            )
    return found


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
