"""The lines below each notification of ours, found again in what people write, and taken out."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

SENTENCES = (
    gettext_noop("Reply to this email directly, or view it here:"),
    gettext_noop("Reply to this email directly, or"),
    gettext_noop("view it in Letterbox"),
    gettext_noop("View it here:"),
    gettext_noop("You're receiving this email because you were mentioned."),
    gettext_noop("You're receiving this email because this is assigned to you."),
    gettext_noop("You're receiving this email because you opened this."),
    gettext_noop("You're receiving this email because you subscribed to this."),
    gettext_noop("You're receiving this email because you participated in this thread."),
    gettext_noop("Unsubscribe from this discussion:"),
)
"""Of our mails, in this or another language; a test finds one that is missing."""

BESIDE = gettext_noop("Unsubscribe")
"""A word of the same lines, and of those of others."""

MAX_LINES = 30
"""Of a footer, however narrow a mail program makes it."""

_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\[\]()]+(?:\s+(?=\S{20})[^\s<>\[\]()]+)?")
_QUOTE_MARKS = re.compile(r"[\s>|]*")
_NO_WORD = re.compile(r"[\W_]+")


def cut_footers(text: str) -> str:
    """Without the paragraphs that hold nothing but lines and links of a footer of ours. All of it
    where nothing else is there."""
    pattern = _sentences()
    if not pattern.search(text):
        return text
    kept = "\n".join(line for lines in _split(text) if not _is_footer(lines) for line in lines)
    return kept if kept.strip("> |\n\t") else text


def _split(text: str) -> Iterator[list[str]]:
    """Paragraphs, and what is between them; a change of quoting ends one too."""
    for _kind, lines in groupby(text.split("\n"), key=_find_kind):
        yield list(lines)


def _find_kind(line: str) -> tuple[bool, bool]:
    marks = _QUOTE_MARKS.match(line)
    depth = marks[0] if marks else ""
    return len(depth) == len(line), ">" in depth


def _is_footer(lines: list[str]) -> bool:
    if len(lines) > MAX_LINES:
        return False
    joined = " ".join(_QUOTE_MARKS.sub("", line, count=1) for line in lines)
    rest = _sentences().sub(" ", _LINK.sub(" ", joined))
    if rest == _LINK.sub(" ", joined):
        return False
    for word in _translate(BESIDE):
        rest = rest.replace(word, " ")
    return not _NO_WORD.sub("", rest)


@cache
def _sentences() -> re.Pattern[str]:
    """Also broken into lines, and with quote marks in between."""
    texts = {text for sentence in SENTENCES for text in _translate(sentence)}
    words = (map(re.escape, text.split()) for text in sorted(texts, key=len, reverse=True))
    return re.compile("|".join(r"[\s>|]{1,40}".join(each) for each in words))


def _translate(sentence: str) -> set[str]:
    found = set()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found.add(gettext(sentence))
    return found
