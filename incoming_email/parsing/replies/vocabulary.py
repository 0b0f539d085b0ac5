"""The word tables of all languages put together for look-up."""

import re
from collections.abc import Iterable
from enum import Enum

from incoming_email.parsing.replies.languages import LANGUAGES


class Role(Enum):
    """The role of a line in a quoted header block."""

    SENDER = "sender"
    SENT = "sent"
    TO = "to"
    SUBJECT = "subject"
    COPIES = "copies"


def _alternatives(phrases: Iterable[str]) -> str:
    longest_first = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    return "|".join(re.escape(phrase) for phrase in longest_first)


def _header_roles() -> dict[str, frozenset[Role]]:
    roles: dict[str, frozenset[Role]] = {}
    for language in LANGUAGES:
        for role in Role:
            for name in getattr(language, role.value):
                roles[name] = roles.get(name, frozenset()) | {role}
    return roles


HEADER_ROLES = _header_roles()
MAX_HEADER_NAME = max(len(name) for name in HEADER_ROLES)

SURE_SENT_NAMES = frozenset(
    name
    for language in LANGUAGES
    for name in language.sent
    if not name.startswith(("dat", "fech", "dát", "дат", "тарих", "tarih", "日", "날", "tanggal"))
)
"""Names that only a mail program writes; 'Date:' may occur in anybody's list."""

ORIGINAL = frozenset(phrase for language in LANGUAGES for phrase in language.original)
FORWARDED = frozenset(phrase for language in LANGUAGES for phrase in language.forwarded)

_WROTE = _alternatives(phrase for language in LANGUAGES for phrase in language.wrote)
# A verb of a script without word gaps may touch its neighbours, a Latin one may follow '>'.
WROTE = re.compile(rf"(?:(?<![^\W_])|(?<=[^\x00-ɏ]))(?:{_WROTE})(?![^\W\d_])")
WROTE_AT_END = re.compile(rf"(?:(?<![^\W_])|(?<=[^\x00-ɏ]))(?:{_WROTE})\W{{0,4}}$")

_SHORT = 2
_LEADS = _alternatives(phrase for language in LANGUAGES for phrase in language.leads)
_DAYS = [day for language in LANGUAGES for day in language.weekdays]
_SHORT_DAYS = _alternatives(day for day in _DAYS if len(day) <= _SHORT)
_LONG_DAYS = _alternatives(day for day in _DAYS if len(day) > _SHORT)
LEAD = re.compile(
    rf"(?:(?:{_LEADS})(?=[\W\d]|[^\x00-ɏ]|$)"
    rf"|(?:(?:{_LONG_DAYS})\w{{0,12}}|{_SHORT_DAYS})[.,:)]*\s"
    r"|\d)"
)
"""How an attribution may begin: a word such as 'on', a weekday, or the date itself."""

MOBILE = re.compile(
    rf"(?:{_alternatives(phrase for language in LANGUAGES for phrase in language.mobile)})"
)
MOBILE_END = re.compile(
    rf"(?:{_alternatives(phrase for language in LANGUAGES for phrase in language.mobile_ends)})\W*$"
)
