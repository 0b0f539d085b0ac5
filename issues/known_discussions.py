"""What a discussion holds, looked up at once for those who are about to write in one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from issues.models import Issue, MergeRequest, Note

Place = tuple[Issue | MergeRequest | None, str]
"""An item, and the name of a discussion on it."""


@dataclass(frozen=True, slots=True)
class Discussion:
    """Which kinds of notes there are in it; none of any kind where it does not exist."""

    internal: bool = False
    public: bool = False
    system: bool = False

    def joined_by(self, *, internal: bool, system: bool) -> "Discussion":
        return Discussion(
            internal=self.internal or internal,
            public=self.public or not (internal or system),
            system=self.system or system,
        )


_Key = tuple[int | None, int | None, str]
_known: ContextVar[Mapping[_Key, Discussion] | None] = ContextVar("known_discussions", default=None)
_NONE = Discussion()


@contextmanager
def looked_up(places: Sequence[Place]) -> Iterator[None]:
    """One query for all of them, none where nobody answers anything; inside, `find_discussion`
    answers from it. For as long as a transaction at most: what changes meanwhile is not seen."""
    asked = {_key(item, name) for item, name in places if item is not None and name}
    token = _known.set(_read(asked) if asked else {})
    try:
        yield
    finally:
        _known.reset(token)


def find_discussion(item: Issue | MergeRequest, name: str) -> Discussion:
    """The notes of that name on this item; those on another item do not count."""
    key = _key(item, name)
    known = _known.get() or {}
    return known[key] if key in known else _read({key})[key]


def _read(keys: set[_Key]) -> dict[_Key, Discussion]:
    found = dict.fromkeys(keys, _NONE)
    rows = Note.objects.filter(discussion__in={name for _issue, _merge_request, name in keys})
    kinds = rows.values_list("issue_id", "merge_request_id", "discussion", "internal", "system")
    for issue, merge_request, name, internal, system in kinds.distinct():
        key = (issue, merge_request, name)
        if key in found:
            found[key] = found[key].joined_by(internal=internal, system=system)
    return found


def _key(item: Issue | MergeRequest, name: str) -> _Key:
    return (item.pk, None, name) if isinstance(item, Issue) else (None, item.pk, name)
