"""A calendar part (RFC 5545) in one line: what, when, where, who asks. Needs no translation.

Only the properties that are shown are read; the part itself is stored as a file.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from incoming_email.parsing.text.escaping import mark_text
from incoming_email.parsing.text.marks import REMOVED, WRITTEN
from incoming_email.parsing.text.one_line import clean

MAX_CHARACTERS = 200_000
"""Of a part that are looked at; an event with more is a description."""

MAX_SHOWN = 200
"""Characters of each property that are shown."""

_FOLD = re.compile(r"\r?\n[ \t]")
_PARAMETER = re.compile(
    r";(?P<name>[A-Za-z0-9-]{1,60})=(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\";]*))"
)
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d{0,2}(Z?))?")
_ESCAPE = re.compile(r"\\([nN\\;,])")
_SHOWN = frozenset({
    "SUMMARY", "DTSTART", "DTEND", "DURATION", "RRULE", "LOCATION", "ORGANIZER", "STATUS",
    "ATTENDEE",
})  # fmt: skip
_QUIET_METHODS = frozenset({"", "REQUEST", "PUBLISH", "REPLY"})


@dataclass(frozen=True, slots=True)
class _Property:
    parameters: Mapping[str, str]
    value: str


def summarise_calendar(text: str) -> str:
    """The first event of the part as escaped Markdown; empty where there is none."""
    method, event, count = _read_first_event(text[:MAX_CHARACTERS])
    if not event:
        return ""
    pieces = [
        *_words(method, event),
        _plain(event, "SUMMARY"),
        _when(event),
        _plain(event, "LOCATION"),
        _person(event.get("ORGANIZER")),
        f"+{count - 1}" if count > 1 else "",
    ]
    line = " · ".join(piece for piece in pieces if piece)
    return mark_text(line, line_start=True).translate(WRITTEN)


def _read_first_event(text: str) -> tuple[str, dict[str, _Property], int]:
    """The method of the calendar, the first event, and how many there are."""
    method, count, inside = "", 0, list[str]()
    event: dict[str, _Property] = {}
    for name, found in _read_properties(text):
        if name == "BEGIN":
            inside.append(found.value.strip().upper())
            count += inside[-1] == "VEVENT"
        elif name == "END":
            del inside[-1:]
        elif name == "METHOD":
            method = found.value.strip().upper()
        elif count == 1 and inside[-1:] == ["VEVENT"] and name in _SHOWN:
            event.setdefault(name, found)
    return method, event, count


def _read_properties(text: str) -> Iterator[tuple[str, _Property]]:
    for line in _FOLD.sub("", text).splitlines():
        head, value = _split(line)
        name, semicolon, rest = head.partition(";")
        given = _PARAMETER.finditer(semicolon + rest)
        parameters = {each["name"].upper(): each["quoted"] or each["bare"] or "" for each in given}
        yield name.strip().upper(), _Property(parameters, value)


def _split(line: str) -> tuple[str, str]:
    """Before and behind the first colon outside of quotes."""
    at = 0
    for number, piece in enumerate(line.split('"')):
        colon = piece.find(":")
        if number % 2 == 0 and colon >= 0:
            return line[: at + colon], line[at + colon + 1 :]
        at += len(piece) + 1
    return line, ""


def _words(method: str, event: Mapping[str, _Property]) -> Iterator[str]:
    """What is not an invitation is marked in the terms of the format: CANCEL, or an answer."""
    if method not in _QUIET_METHODS:
        yield _tidy(method)
    elif "STATUS" in event and event["STATUS"].value.strip().upper() == "CANCELLED":
        yield "CANCELLED"
    if method == "REPLY" and "ATTENDEE" in event:
        attendee = event["ATTENDEE"]
        answer = _tidy(attendee.parameters.get("PARTSTAT", "").upper())
        yield ": ".join(piece for piece in (_person(attendee), answer) if piece)


def _when(event: Mapping[str, _Property]) -> str:
    """'2024-06-03 10:00–11:00 Europe/Berlin', with how it repeats."""
    start = event.get("DTSTART")
    if start is None:
        return ""
    day, time, zone = _read_moment(start)
    end_day, end_time, _ = _read_moment(event["DTEND"]) if "DTEND" in event else ("", "", "")
    end = end_time if end_day == day else f"{end_day} {end_time}".strip()
    if not time:
        end = ""  # the end of whole days is the day after
    length = _tidy(event["DURATION"].value) if "DURATION" in event and not end else ""
    repeats = re.search(r"FREQ=([A-Za-z]+)", event["RRULE"].value) if "RRULE" in event else None
    span = f"{day} {time}".strip() + (f"–{end}" if end else "")
    return " ".join(filter(None, (span, zone, length, repeats[1] if repeats else "")))


def _read_moment(found: _Property) -> tuple[str, str, str]:
    """Day, time and zone; what is no moment is returned as it is."""
    match = _MOMENT.match(found.value.strip())
    if match is None:
        return _tidy(found.value), "", ""
    year, month, day, hour, minute, is_utc = match.groups()
    zone = "UTC" if is_utc else _tidy(found.parameters.get("TZID", ""))
    return f"{year}-{month}-{day}", f"{hour}:{minute}" if hour else "", zone if hour else ""


def _person(found: _Property | None) -> str:
    if found is None:
        return ""
    address = re.sub(r"(?i)^\s*mailto:", "", found.value)
    name = _tidy(found.parameters.get("CN", ""))
    return name or _tidy(address)


def _plain(event: Mapping[str, _Property], name: str) -> str:
    return _tidy(event[name].value) if name in event else ""


def _tidy(value: str) -> str:
    """One line of shown length, without escapes or our marks."""
    text = _ESCAPE.sub(lambda found: " " if found[1] in "nN" else found[1], value)
    text = " ".join(clean(text.translate(REMOVED)).split())
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
