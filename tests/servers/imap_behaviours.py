"""What IMAP servers answer differently, each as the real one named was seen to answer.

Seen on Debian 12: Dovecot 2.3.19, Cyrus 3.6.1, Courier-IMAP 5.0.13, GNU mailutils 3.15. All four
give UIDNEXT by STATUS, of the selected folder too, and the newest message by `UID FETCH *`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

MAX_UID = 4_294_967_295


class Star(Enum):
    """What becomes of `*`, which stands for the newest message."""

    NEWEST = auto()
    NOTHING = auto()
    BAD = auto()


@dataclass(frozen=True)
class Behaviour:
    tells_uid_next: bool = True
    """In the answer to SELECT."""

    tells_validity: bool = True
    knows_status: bool = True
    star_in_search: Star = Star.NEWEST
    star_in_fetch: Star = Star.NEWEST
    sees_news_at: frozenset[str] = frozenset()
    """A session learns of new mail only by these commands; empty: by each."""

    takes_last_for_missing: bool = False
    """In FETCH and STORE a UID above all others names the newest message; not in SEARCH."""

    def find_searched(self, text: str, view: Sequence[int]) -> list[int]:
        """The UIDs in `view` that a set in a SEARCH names, such as `3,5:*`."""
        return _choose(text, view, self.star_in_search, top=MAX_UID)

    def find_named(self, text: str, view: Sequence[int]) -> list[int]:
        """The UIDs in `view` that the set of another command names."""
        top = max(view, default=0) if self.takes_last_for_missing else MAX_UID
        return _choose(text, view, self.star_in_fetch, top=top)


def _choose(text: str, view: Sequence[int], star: Star, *, top: int) -> list[int]:
    """`top`: what any higher UID counts as. Raises ValueError where the server answers BAD."""
    if text == "*" and star is Star.BAD:
        raise ValueError("Bogus number set")
    if text == "*" and star is Star.NOTHING:
        return []
    newest = max(view, default=0)
    uids: set[int] = set()
    for part in text.split(","):
        ends = [min(newest if end == "*" else int(end), top) for end in part.split(":")]
        uids |= {uid for uid in view if min(ends) <= uid <= max(ends)}
    return sorted(uids)


CORRECT = Behaviour()
"""Dovecot and Cyrus."""

COURIER = Behaviour(
    tells_uid_next=False,
    star_in_search=Star.NOTHING,
    sees_news_at=frozenset({"NOOP", "IDLE"}),
)
"""STATUS of the selected folder tells of what the session has seen, too."""

MAILUTILS = Behaviour(star_in_search=Star.BAD, takes_last_for_missing=True)

WITHOUT_POSITION = Behaviour(
    tells_uid_next=False,
    knows_status=False,
    star_in_search=Star.NOTHING,
    star_in_fetch=Star.NOTHING,
)
"""No server that we know; all that some leave out, left out by one."""
