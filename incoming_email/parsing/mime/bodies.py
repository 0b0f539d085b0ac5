"""Which parts of a message are its body, and which are attachments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from incoming_email.parsing.mime.structure import TNEF, Part

MAX_COMPARED = 100_000
"""Characters of a fragment that are looked at to compare it with another."""

MAX_STUB_LENGTH = 400
"""Characters of a text that can be a mere hint at the HTML part beside it."""

_SIGNATURES = {
    "application/pgp-signature",
    "application/x-pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
}
_PLAIN = {"text/plain", "text/markdown", "text/x-markdown"}
_STUB_WORDS = re.compile(
    r"\bx?html\b|in (?:your|a|the|ein(?:em)?) (?:web ?)?browser|im browser|navigateur|navegador"
    r"|does ?n[o']t support|not able to display|view this (?:e-?mail|message)|브라우저|ブラウザ",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<[^<>]*>|&nbsp;|&#160;")
_INVISIBLE_HTML = re.compile(r"<(style|script|title)\b[^<]*", re.IGNORECASE)


class Form(Enum):
    PLAIN = "plain"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Fragment:
    """One decoded piece of the body, in order of the message."""

    part: Part
    form: Form
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a part comes to: pieces of body, and files."""

    fragments: tuple[Fragment, ...] = ()
    files: tuple[Part, ...] = ()
    spare: tuple[Fragment, ...] = ()
    """A body that counts only where the message has no other: that of a TNEF container."""

    @property
    def body(self) -> tuple[Fragment, ...]:
        return self.fragments if self.text_length or not self.spare else self.spare

    @property
    def text_length(self) -> int:
        return sum(len(visible_text(fragment)) for fragment in self.fragments)


def visible_text(fragment: Fragment) -> str:
    """The text that a reader sees, roughly: without markup, blanks joined, cut at MAX_COMPARED.

    Good enough to compare two alternatives by; takes linear time.
    """
    text = fragment.text[:MAX_COMPARED]
    if fragment.form is Form.PLAIN:
        return " ".join(text.split())
    return " ".join(_MARKUP.sub(" ", _INVISIBLE_HTML.sub(" ", text)).split())


def read_bodies(part: Part, texts: Mapping[int, str], *, name_is_file: bool = False) -> Reading:
    """`texts` holds the decoded text of each text leaf by `id` of the part.

    A name makes a file of a text, but not of a whole message, nor of an alternative.
    """
    if part.children:
        is_choice = part.type == "multipart/alternative"
        readings = [
            read_bodies(child, texts, name_is_file=not is_choice)
            for child in _relevant_children(part)
        ]
        reading = _choose(readings) if is_choice else _join(readings)
        return _spare(reading) if part.type == TNEF else reading
    is_file = name_is_file and part.has_name
    if id(part) not in texts or is_file or part.disposition.main == "attachment":
        return Reading(files=(part,))
    form = Form.HTML if part.type == "text/html" else Form.PLAIN
    return Reading(fragments=(Fragment(part, form, texts[id(part)]),))


def is_text_leaf(part: Part) -> bool:
    return not part.children and (part.type in _PLAIN or part.type == "text/html")


def _relevant_children(part: Part) -> tuple[Part, ...]:
    if part.type != "multipart/signed":
        return part.children
    return tuple(child for child in part.children if child.type not in _SIGNATURES)


def _join(readings: list[Reading]) -> Reading:
    fragments = tuple(fragment for reading in readings for fragment in reading.fragments)
    files = tuple(file for reading in readings for file in reading.files)
    return Reading(_without_repeats(fragments), files, _spares(readings))


def _spare(reading: Reading) -> Reading:
    return Reading((), reading.files, (*reading.fragments, *reading.spare))


def _spares(readings: list[Reading]) -> tuple[Fragment, ...]:
    return tuple(fragment for reading in readings for fragment in reading.spare)


def _without_repeats(fragments: tuple[Fragment, ...]) -> tuple[Fragment, ...]:
    """HTML that says the same as the text just before it was meant as its alternative."""
    kept: list[Fragment] = []
    for fragment in fragments:
        before = kept[-1] if kept else None
        is_twin = before and before.form is Form.PLAIN and fragment.form is Form.HTML
        if before and is_twin and _words(before) == _words(fragment) != "":
            continue
        kept.append(fragment)
    return tuple(kept)


def _words(fragment: Fragment) -> str:
    return "".join(re.findall(r"\w+", visible_text(fragment)))


def _choose(readings: list[Reading]) -> Reading:
    """One alternative is the body; files of all of them are kept (C31)."""
    files = tuple(file for reading in readings for file in reading.files)
    with_text = [reading for reading in readings if reading.fragments]
    plain = next((each for each in with_text if _is_plain(each)), None)
    rich = next((each for each in reversed(with_text) if not _is_plain(each)), None)
    if plain and rich and _is_stub(plain, rich):
        plain = None
    chosen = plain or rich
    return Reading(chosen.fragments if chosen else (), files, _spares(readings))


def _is_plain(reading: Reading) -> bool:
    return all(fragment.form is Form.PLAIN for fragment in reading.fragments)


def _is_stub(plain: Reading, rich: Reading) -> bool:
    """The text says nothing, or only that there is HTML, and the HTML says more."""
    length = plain.text_length
    if length == 0:
        return True
    if length > MAX_STUB_LENGTH:
        return False
    text = " ".join(visible_text(fragment) for fragment in plain.fragments)
    return bool(_STUB_WORDS.search(text)) and _says_other(text, rich)


def _says_other(text: str, rich: Reading) -> bool:
    html = " ".join(visible_text(fragment) for fragment in rich.fragments)
    return "".join(re.findall(r"\w+", text)) not in "".join(re.findall(r"\w+", html))
