"""Decides whether words next to the verb or the date of an attribution can be a person's name."""

import re

MAX_NAME = 4
"""Words of a person's name."""

_LONGEST_PARTICLE = 3
"""Letters of the word between a name and a date: 'am', 'den', '於'."""

_MOST_WORDS = 8
"""Words between the date and the verb: time zone, 'uživatel', the name."""

PRONOUNS = frozenset({
    *("i", "he", "she", "we", "they", "it", "ich", "er", "sie", "wir", "du", "man", "je", "il"),
    *("elle", "nous", "on", "yo", "él", "ella", "nosotros", "eu", "ele", "ela", "io", "lui", "lei"),
    *("noi", "ik", "hij", "zij", "wij", "jag", "han", "hon", "vi", "jeg", "hun", "ja", "ona", "my"),
    *("я", "он", "она", "мы"),
})  # fmt: skip
_PARTICLES = frozenset({
    *("am", "pm", "at", "by", "via", "from", "uhr", "um", "von", "van", "der", "den", "de", "da"),
    *("do", "dos", "del", "della", "di", "du", "la", "le", "el", "al", "bin", "ibn", "of", "ter"),
    *("zu", "zum", "kl", "klo", "ore", "a", "o", "i", "g", "r", "h", "in", "the"),
})  # fmt: skip
_SENTENCE_END = re.compile(r"[^\W\d_]{4,}[.!?。]\s")
_VIA = re.compile(r" via \S+\s*$")
_NICKNAME = re.compile(r"\W*(?:[ap]\.?m\.?)?,\s*\S+\s*$", re.IGNORECASE)
"""One word after the time and a comma may be a name in lower case, or 'you'."""

_LAST_DIGIT = re.compile(r"\d(?=\D*$)")
_NUMBER = re.compile(r"\d+")
_EDGES = " \t,.:;：()[]<>\"'“”„«»*-"


def is_name(text: str) -> bool:
    """'Ann Example': few words, each with a capital first."""
    words = text.split()
    if not words or len(words) > MAX_NAME or words[0].lower() in PRONOUNS:
        return False
    return all(word[0].isupper() for word in words)


def ends_in_name(text: str) -> bool:
    """'On 15/11/2021 19:42, Ann Example': no prose between the date and the verb."""
    last = _LAST_DIGIT.search(text)
    tail = _VIA.sub("", text[last.end() :] if last else text)
    words = [word for word in tail.split() if word.strip(_EDGES)]
    if len(words) > _MOST_WORDS or _SENTENCE_END.search(tail):
        return False
    alone = _NICKNAME.match(tail) is not None
    return not words or alone or not words[-1].strip(_EDGES).islower()


def can_be_name(text: str) -> bool:
    """'Ann van der Berg <ann@example.com>': no word of prose is among the words."""
    words = [word.strip(_EDGES) for word in text.split() if "@" not in word]
    return not any(
        word.isascii() and word.isalpha() and word.islower() and word not in _PARTICLES
        for word in words
    )


def stands_alone_after_date(text: str) -> bool:
    """Like `can_be_name`, for the text between the last number of `text` and its end."""
    last = _LAST_DIGIT.search(text)
    return can_be_name(text[last.end() :] if last else text)


def is_dated_name(text: str, *, fewest_words: int = 1) -> bool:
    """'Ann Example, 15.11.2021 19:42', 'Ann Example 於 2021/11/15 07:42', or the date first.

    Whether `text` holds a date the caller asks itself.
    """
    numbers = list(_NUMBER.finditer(text))
    if not numbers:
        return False
    above, below = text[: numbers[0].start()].split(), text[numbers[-1].end() :].split()
    if above and len(below) > MAX_NAME:
        return False
    words = [word for word in above or below if word.strip(_EDGES)]
    if len(words) > fewest_words and len(words[-1]) <= _LONGEST_PARTICLE:
        words.pop()
    if not fewest_words <= len(words) <= MAX_NAME or words[0].lower() in PRONOUNS:
        return False
    return all(word[0].isalpha() and not word[0].islower() for word in words)
