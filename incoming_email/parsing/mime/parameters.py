"""Content-Type and Content-Disposition: the value and its parameters (RFC 2045, 2183, 2231)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from incoming_email.parsing.mime.encoded_words import decode_words
from incoming_email.parsing.text import charsets
from incoming_email.parsing.text.one_line import clean

_PARAMETER = re.compile(
    r"""[;\s]*(?P<name>[^=;\s"]*)\s*
        (?:=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"?[^;]*|(?P<bare>[^;]*)))?
        [^;]*;?""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\\\"])")
_SEGMENT = re.compile(r"(?P<base>[^*]+)(?:\*(?P<index>\d{1,4}))?(?P<extended>\*)?")


@dataclass(frozen=True, slots=True)
class Value:
    main: str
    """The value before the first semicolon, lower case."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Segment:
    index: int
    text: str
    extended: bool


def parse_value(value: str, *, most: int) -> Value:
    """A field value, unfolded; at most `most` parameters are read."""
    main, _, rest = value.partition(";")
    segments: dict[str, list[_Segment]] = {}
    defects: list[str] = []
    at = count = 0
    while at < len(rest):
        match = _PARAMETER.match(rest, at)
        if match is None or match.end() == at:
            break
        at = match.end()
        count += 1
        if count > most:
            defects.append(f"more than {most} parameters")
            break
        if not _add_segment(segments, match):
            defects.append("parameter without a value")
    parameters = {name: _join(parts) for name, parts in segments.items()}
    return Value(clean(decode_words(main)).lower(), parameters, tuple(dict.fromkeys(defects)))


def _add_segment(segments: dict[str, list[_Segment]], match: re.Match[str]) -> bool:
    quoted, bare = match["quoted"], match["bare"]
    if not match["name"]:
        return True
    named = _SEGMENT.fullmatch(match["name"].lower())
    if named is None or (quoted is None and bare is None):
        return False
    text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else bare.strip()
    segment = _Segment(int(named["index"] or -1), text, bool(named["extended"]))
    segments.setdefault(named["base"], []).append(segment)
    return True


def _join(segments: list[_Segment]) -> str:
    """An RFC 2231 form wins over a plain one beside it: the plain one is for old readers."""
    numbered = sorted((s for s in segments if s.index >= 0), key=lambda segment: segment.index)
    chosen = (
        next(([s] for s in segments if s.extended and s.index < 0), None)
        or numbered
        or segments[:1]
    )
    if chosen[0].extended:
        return clean(_decode_extended(chosen))
    return clean(decode_words("".join(_literal(segment) for segment in chosen)))


def _literal(segment: _Segment) -> str:
    if not segment.extended:
        return segment.text
    return charsets.decode(unquote_to_bytes(segment.text), None)[0]


def _decode_extended(segments: list[_Segment]) -> str:
    charset, quote, rest = segments[0].text.partition("'")
    _language, second_quote, first = rest.partition("'")
    if not (quote and second_quote):
        charset, first = "", segments[0].text
    encoded = unquote_to_bytes(first)
    for segment in segments[1:]:
        plain = segment.text.encode("utf-8", errors="replace")
        encoded += unquote_to_bytes(segment.text) if segment.extended else plain
    return charsets.decode(encoded, charset or None)[0]
