"""Who may see how much of a person without an account: the one module that decides, for pages and
mails."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from django.utils.translation import gettext as _

from issues.mail_addresses import canonical_address
from issues.models import REMOVED_PERSON, ExternalPerson, Role

MAX_NAME = 70
"""Characters, so that "(customer)" behind it is never cut off."""

MAX_READ = 1000
BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
JOINERS = "\u200c\u200d"
"""Without them some names of Persian and Indian scripts are misspelt."""

_LINK = re.compile(r"://|\bwww\.", re.IGNORECASE)

# Every part is bounded, so that the time grows with the length of the text and no faster.
ADDRESS = re.compile(r"[^\s@<>()\[\]\",;:]{1,64}[@＠][^\s@<>()\[\]\",;:]{1,255}")
HIDDEN_ADDRESS = "…@…"


class Sight(Enum):
    """How much of a person without an account a reader may see."""

    ADDRESS = auto()
    """Reporters and above: the name, or the address where there is none."""

    NAME = auto()
    """Guests of the project, and the other participants of the ticket."""

    NOTHING = auto()
    """Everybody else: that a customer wrote."""


def sight_of_role(role: int) -> Sight:
    """`role`: 0 for people who are not members."""
    if role >= Role.REPORTER:
        return Sight.ADDRESS
    return Sight.NAME if role else Sight.NOTHING


@dataclass(frozen=True, slots=True)
class ExternalPeople:
    """People without an account as one reader may see them."""

    sight: Sight
    known: Mapping[str, ExternalPerson] = field(default_factory=dict)
    """By canonical address."""

    def show(self, address: str) -> str:
        """With "(customer)" behind it: nobody passes for a member by the name they choose."""
        if address == REMOVED_PERSON:
            return _(address)
        shown = self._find_name(address)
        if self.sight is Sight.ADDRESS:
            shown = shown or address
        return _("%(name)s (customer)") % {"name": shown} if shown else _("Customer")

    def show_address(self, address: str) -> str:
        """What is to stand beside the name; empty where that is the address, or is all to see."""
        return address if self.sight is Sight.ADDRESS and self._find_name(address) else ""

    def show_text(self, text: str) -> str:
        """A text of ours that may name addresses."""
        return text if self.sight is Sight.ADDRESS else hide_addresses(text)

    def _find_name(self, address: str) -> str:
        """Of an unproven mail nobody outside of the team reads a word."""
        person = self.known.get(canonical_address(address))
        if person is None or self.sight is Sight.NOTHING:
            return ""
        return person.name if person.proven or self.sight is Sight.ADDRESS else ""


def find_people(project_id: int, addresses: Iterable[str], sight: Sight) -> ExternalPeople:
    """In one query; none where there is nobody to name."""
    wanted = {canonical_address(address) for address in addresses if address}
    if not wanted or sight is Sight.NOTHING:
        return ExternalPeople(sight)
    rows = ExternalPerson.objects.filter(project=project_id, address__in=wanted)
    return ExternalPeople(sight, {person.address: person for person in rows})


def parse_name(text: str) -> str:
    """A name as it may be shown: one line, and nothing in it that hides or turns its letters round.

    Empty where it is none: no letter or digit, a link, or an address, which others may not see.
    """
    text = unicodedata.normalize("NFC", text[:MAX_READ])
    words = "".join(map(_show_letter, text)).split()
    name = " ".join(words)[:MAX_NAME].strip()
    is_name = any(letter.isalnum() for letter in name)
    is_address = "@" in unicodedata.normalize("NFKC", text)
    return "" if not is_name or is_address or _LINK.search(name) else name


def _show_letter(letter: str) -> str:
    kind = unicodedata.category(letter)
    if letter in BLANK_LETTERS or kind in {"Cc", "Zl", "Zp"}:
        return " "
    return "" if kind.startswith("C") and letter not in JOINERS else letter


def hide_addresses(text: str) -> str:
    """The text with every e-mail address in it made unreadable."""
    return ADDRESS.sub(HIDDEN_ADDRESS, text)
