"""The words that mail programs put around quoted mail, by language: `language_data` as values."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).with_name("language_data")
FAMILIES = ("western", "northern", "slavic", "asian")
"""A file each, with a table for each language."""


@dataclass(frozen=True, slots=True)
class Language:
    """Words of one language, all lower case, as the programs of its users print them."""

    code: str
    wrote: tuple[str, ...] = ()
    """The verb of an attribution: 'On Monday Ann *wrote*:'."""

    leads: tuple[str, ...] = ()
    """First words of an attribution, before its date: '*On* 3 May …'."""

    weekdays: tuple[str, ...] = ()
    """Beginnings of weekday names that an attribution may start with."""

    sender: tuple[str, ...] = ()
    """Names of the From line in a quoted header block; likewise the next four."""

    sent: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    original: tuple[str, ...] = ()
    """Text of the line '-----Original Message-----'."""

    forwarded: tuple[str, ...] = ()
    """Text of the line above a forwarded message."""

    mobile: tuple[str, ...] = ()
    """Beginnings of the footer that a phone adds: 'Sent from my'."""

    mobile_ends: tuple[str, ...] = ()
    """Ends of such a footer, for languages with the verb last: 'von meinem iPhone *gesendet*'."""


def read_languages() -> Iterator[Language]:
    """Raises TypeError for a name in a file that is no field of Language."""
    for family in FAMILIES:
        tables = tomllib.loads((DATA / f"{family}.toml").read_text(encoding="utf-8"))
        for code, table in tables.items():
            yield Language(code, **{name: tuple(words) for name, words in table.items()})


LANGUAGES = tuple(read_languages())
