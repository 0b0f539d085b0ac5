"""A calendar part in one line, inert, whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.parsing.formats.calendars import summarise_calendar
from tests.growing import assert_linear

LINE = "Grüße planen · 2024-06-03 10:00–11:00 Europe/Berlin · Room 5 · Ann Doe"


def event(*lines, method="REQUEST", more=0):
    return "\r\n".join([
        "BEGIN:VCALENDAR",
        f"METHOD:{method}",
        "BEGIN:VTIMEZONE",
        "BEGIN:STANDARD",
        "DTSTART:16011028T030000",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        *lines,
        "BEGIN:VALARM",
        "SUMMARY:alarm",
        "END:VALARM",
        "END:VEVENT",
        *["BEGIN:VEVENT", "SUMMARY:other", "END:VEVENT"] * more,
        "END:VCALENDAR",
    ])  # fmt: skip


def test_an_event_stands_below_the_text_once_and_stays_a_file(parse_sample):
    email = parse_sample("calendar-event-twice")
    assert email.reply == f"Please come\n\n{LINE}"
    assert email.text.endswith(f"> When shall we meet?\n\n{LINE}")
    assert email.quoted.endswith("> When shall we meet?")
    assert [each.filename for each in email.attachments] == ["invite.ics", "invite.ics"]


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["SUMMARY:Lunch", "DTSTART:20240603T100000Z"], "Lunch · 2024-06-03 10:00 UTC"),
        (["SUMMARY:Trip", "DTSTART;VALUE=DATE:20240603", "DTEND;VALUE=DATE:20240604"],
         "Trip · 2024-06-03"),
        (["DTSTART:20240603T233000", "DTEND:20240604T003000"],
         "2024-06-03 23:30–2024-06-04 00:30"),
        (["DTSTART:20240603T100000", "DURATION:PT1H"], "2024-06-03 10:00 PT1H"),
        (["SUMMARY:Stand-up", "DTSTART:20240603T100000", "RRULE:FREQ=WEEKLY;BYDAY=MO"],
         "Stand-up · 2024-06-03 10:00 WEEKLY"),
        (["SUMMARY:a\\, b\\; c\\nd\\\\e", "LOCATION:"], r"a, b; c d\\e"),
        (["SUMMARY:fold", " ed", "\tin"], "foldedin"),
        (['ORGANIZER;CN="Doe: Ann";X="a;b":MAILTO:a@example.com'], "Doe: Ann"),
        (["ORGANIZER:mailto:a@example.com"], "a@example.com"),
        (["SUMMARY:x", "STATUS:CANCELLED"], "CANCELLED · x"),
        (["DTSTART;TZID=W. Europe Standard Time:20240603T100000"],
         "2024-06-03 10:00 W. Europe Standard Time"),
        (["DTSTART:soon"], "soon"),
        (["SUMMARY:" + "x" * 300], "x" * 199 + "…"),
        (["DESCRIPTION:nothing shown"], ""),
    ],
)  # fmt: skip
def test_what_when_where_and_who(lines, shown):
    assert summarise_calendar(event(*lines)) == shown


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("REQUEST", "Lunch"),
        ("CANCEL", "CANCEL · Lunch"),
        ("COUNTER", "COUNTER · Lunch"),
        ("REPLY", "Bob: ACCEPTED · Lunch"),
    ],
)
def test_what_is_no_invitation_says_so(method, shown):
    attendee = "ATTENDEE;PARTSTAT=ACCEPTED;CN=Bob:mailto:b@example.com"
    assert summarise_calendar(event("SUMMARY:Lunch", attendee, method=method)) == shown


def test_further_events_are_counted():
    assert summarise_calendar(event("SUMMARY:one", more=2)) == "one · +2"


@pytest.mark.parametrize("text", ["", "BEGIN:VEVENT", "nonsense", "BEGIN:VCALENDAR\nEND:VCALENDAR"])
def test_a_part_without_an_event_has_no_line(text):
    assert summarise_calendar(text) == ""


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("/close", r"\/close"),
        ("# big", r"\# big"),
        ("<b>@all</b> [x](javascript:y)", r"\<b\>\@all\</b\> \[x\](javascript:y)"),
        ("tell @all", r"tell \@all"),
    ],
)
def test_what_it_says_is_inert(summary, shown):
    assert summarise_calendar(event(f"SUMMARY:{summary}")) == shown


@given(st.text(alphabet='BEGIN:VTSUMARYD;="\\\n\r 019', max_size=200))
def test_no_text_raises(text):
    line = summarise_calendar(f"BEGIN:VEVENT\n{text}")
    assert "\n" not in line


GROWING = {
    "quotes": lambda size: event("SUMMARY" + ';X="' * (size // 4)),
    "folds": lambda size: event("SUMMARY:" + "\r\n x" * (size // 4)),
    "events": lambda size: event(more=size // 40),
}


@pytest.mark.growth
@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING)
def test_the_time_grows_with_the_length(make):
    assert_linear(summarise_calendar, make, 40_000, 160_000)
