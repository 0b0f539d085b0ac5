"""What the subject of a patch mail says: `[PATCH v2 3/7] Oil the hinge`."""

import re
from dataclasses import dataclass

MAX_DIGITS = 4
"""Of a revision or number: what is longer means something else."""

_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|답장|회신)\s*:", re.IGNORECASE)
_BRACKET = re.compile(r"\s*\[([^\[\]]*)\]")
_WORD = re.compile(r"[^\s,:]+")
_REVISION = re.compile(rf"(?:patch)?v([0-9]{{1,{MAX_DIGITS}}})", re.IGNORECASE)
_PLACE = re.compile(rf"([0-9]{{1,{MAX_DIGITS}}})/([0-9]{{1,{MAX_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class PatchTag:
    """The content of the brackets."""

    title: str
    """The subject without brackets and answer prefixes."""

    revision: int = 1
    number: int = 1
    """0 is the cover letter."""

    total: int = 1
    is_numbered: bool = False
    """Whether the brackets say so; git numbers a single patch only where it has a cover letter, or
    is asked to."""

    @property
    def is_cover(self) -> bool:
        return self.number == 0

    @property
    def is_part(self) -> bool:
        """One of several mails that belong together."""
        return self.total > 1 or self.is_cover

    @property
    def position(self) -> str:
        return f"{self.number}/{self.total}"


def parse_subject(subject: str) -> PatchTag | None:
    """The tag of a patch; None for any other mail.

    >>> parse_subject("Re: [PATCH net v2 3/7] Oil the hinge")
    PatchTag(title='Oil the hinge', revision=2, number=3, total=7, is_numbered=True)
    """
    rest, words = _take_brackets(subject)
    if not any(_is_patch_word(word) for word in words):
        return None
    revision, number, total, is_numbered = 1, 1, 1, False
    for word in words:
        if match := _REVISION.fullmatch(word):
            revision = max(1, int(match[1]))
        elif match := _PLACE.fullmatch(word):
            number, total, is_numbered = int(match[1]), int(match[2]), True
    if number > total:
        number, total, is_numbered = 1, 1, False
    return PatchTag(" ".join(rest.split()), revision, number, max(1, total), is_numbered)


def _is_patch_word(word: str) -> bool:
    return word.upper() == "PATCH" or bool(re.fullmatch(r"PATCHV[0-9]+", word.upper()))


def _take_brackets(subject: str) -> tuple[str, list[str]]:
    """The rest, and all words of the brackets in front of it."""
    words: list[str] = []
    position = 0
    while match := _ANSWER.match(subject, position) or _BRACKET.match(subject, position):
        position = match.end()
        if match.re is _BRACKET:
            words += _WORD.findall(match[1])
    return subject[position:], words
