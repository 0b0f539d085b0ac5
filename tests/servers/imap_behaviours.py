"""What IMAP servers answer differently, each as the real one named was seen to answer.

Seen on Debian 12: Dovecot 2.3.19, Cyrus 3.6.1, Courier-IMAP 5.0.13, GNU mailutils 3.15. All four
give UIDNEXT by STATUS, of the selected folder too, and the newest message by `UID FETCH *`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

MAX_UID = 4_294_967_295
FIRST_8_BIT = 128


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

    kept_flags: str = "\\Seen \\Deleted"
    """PERMANENTFLAGS. A STORE of others leaves them out and succeeds (RFC 4314, section 4)."""

    idle_tells_after: float | None = 0.0
    """Seconds from a delivery to the EXISTS of an IDLE; None: only behind the DONE."""

    is_deaf_after_store: bool = False
    """After a STORE the session is never told of new mail; SEARCH finds it."""

    gives_removed_once: bool = False
    """The first FETCH of a message that another client removed has it still."""

    garbles_headers: bool = False
    """8-bit bytes in a header become X as the message is delivered."""

    prefix: str = ""
    """Before the names of all folders but INBOX."""

    def keep(self, content: bytes) -> bytes:
        """A message as the server stores it."""
        header, blank, body = content.partition(b"\r\n\r\n")
        if self.garbles_headers:
            header = bytes(byte if byte < FIRST_8_BIT else ord("X") for byte in header)
        return header + blank + body

    def has_folder(self, name: str) -> bool:
        """With a prefix there are INBOX and, below it, `support`; else any."""
        return not self.prefix or name.upper() == "INBOX" or name == f"{self.prefix}support"

    def tell_selected(self, exists: int, *, validity: int, uid_next: int) -> str:
        codes = [f"UIDVALIDITY {validity}"] if self.tells_validity else []
        codes += [f"UIDNEXT {uid_next}"] if self.tells_uid_next else []
        codes.append(f"PERMANENTFLAGS ({self.kept_flags})")
        lines = [f"{exists} EXISTS", "0 RECENT", *(f"OK [{code}] Ok" for code in codes)]
        return "".join(f"* {line}\r\n" for line in lines) + "TAG OK [READ-WRITE] done\r\n"

    def tell_status(self, arguments: str, values: Mapping[str, int]) -> str:
        if not self.knows_status:
            return "TAG NO STATUS is not for everybody\r\n"
        name, _, items = arguments.partition(" (")
        told = " ".join(f"{item} {values[item]}" for item in items.rstrip(")").split())
        return f"* STATUS {name} ({told})\r\nTAG OK done\r\n"

    def list_folders(self) -> str:
        mark = self.prefix[-1:] or "/"
        names = ("INBOX", f"{self.prefix}support")
        lines = [f'* LIST (\\HasNoChildren) "{mark}" {name}\r\n' for name in names]
        return "".join(lines) + "TAG OK done\r\n"

    def find_searched(self, text: str, view: Sequence[int]) -> list[int]:
        """The UIDs in `view` that a set in a SEARCH names, such as `3,5:*`."""
        return _choose(text, view, self.star_in_search, top=MAX_UID)

    def find_named(self, text: str, view: Sequence[int]) -> list[int]:
        """The UIDs in `view` that the set of another command names."""
        top = max(view, default=0) if self.takes_last_for_missing else MAX_UID
        return _choose(text, view, self.star_in_fetch, top=top)


def describe_message(uid: int, content: bytes, date: datetime, items: str, *, number: int) -> bytes:
    """The answer to a FETCH of these items."""
    told = [b"UID %d" % uid]
    if "RFC822.SIZE" in items:
        told.append(b"RFC822.SIZE %d" % len(content))
    if "INTERNALDATE" in items:
        told.append(f'INTERNALDATE "{date:%d-%b-%Y %H:%M:%S %z}"'.encode())
    if "HEADER" in items:
        header = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        told.append(b"BODY[HEADER]<0> {%d}\r\n%s" % (len(header), header))
    elif "BODY" in items:
        told.append(b"BODY[] {%d}\r\n%s" % (len(content), content))
    return b"* %d FETCH (%s)\r\n" % (number, b" ".join(told))


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

DOVECOT = Behaviour(idle_tells_after=0.5, gives_removed_once=True)

CYRUS = Behaviour(garbles_headers=True, prefix="INBOX.")

CYRUS_WITHOUT_T = Behaviour(garbles_headers=True, prefix="INBOX.", kept_flags="\\Seen")
"""The user's ACL has no right t, to delete messages."""

COURIER = Behaviour(
    tells_uid_next=False,
    star_in_search=Star.NOTHING,
    sees_news_at=frozenset({"NOOP", "IDLE"}),
    idle_tells_after=14.0,
    prefix="INBOX.",
)
"""STATUS of the selected folder tells of what the session has seen, too. An IDLE told of new mail
after 4 to 14 seconds."""

MAILUTILS = Behaviour(
    star_in_search=Star.BAD,
    takes_last_for_missing=True,
    idle_tells_after=None,
    is_deaf_after_store=True,
)
"""It has no UIDPLUS: `CAPABILITIES`."""

CAPABILITIES = {"mailutils": "IMAP4rev1 NAMESPACE ID IDLE LITERAL+ UNSELECT"}

WITHOUT_POSITION = Behaviour(
    tells_uid_next=False,
    knows_status=False,
    star_in_search=Star.NOTHING,
    star_in_fetch=Star.NOTHING,
)
"""No server that we know; all that some leave out, left out by one."""
