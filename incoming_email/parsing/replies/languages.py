"""The words that mail programs put around quoted mail, by language."""

from dataclasses import dataclass


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


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|"))
