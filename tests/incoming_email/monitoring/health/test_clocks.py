"""Our clock against others: it agrees, or the check says by how much and which way."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from incoming_email.inboxes.base import Answer, Finding
from incoming_email.monitoring.health import clocks

YES, WARN, SKIPPED = Answer.YES, Answer.WARN, Answer.SKIPPED
OURS = datetime(2026, 5, 1, 12, tzinfo=UTC)


def compare(seconds: int) -> Finding:
    return clocks.compare(OURS - timedelta(seconds=seconds), OURS, whose="the server")


@pytest.mark.parametrize("seconds", [0, 30, -30])
def test_clock_that_agrees(settings, seconds):
    settings.CHECK_CLOCK_SECONDS = 30
    assert compare(seconds) == Finding("clock", YES, "it agrees with that of the server")


@pytest.mark.parametrize(("seconds", "side"), [(31, "ahead of"), (-31, "behind")])
def test_clock_that_is_off(settings, seconds, side):
    settings.CHECK_CLOCK_SECONDS = 30
    finding = compare(seconds)
    assert finding.answer is WARN
    assert finding.detail == f"the clock of this machine is 31 seconds {side} the server"
    assert finding.remedy.startswith("Let the time be set by the network (NTP)")


@pytest.mark.parametrize(("is_empty", "words"), [(True, "is empty"), (False, "does not say")])
def test_folder_that_shows_no_time(is_empty, words):
    finding = clocks.look_at_newest(None, is_empty=is_empty)
    assert finding.answer is SKIPPED
    assert words in finding.detail


def test_mail_of_the_past_says_that_we_are_not_behind():
    old = OURS - timedelta(days=900)
    assert clocks.look_at_newest(old, is_empty=False).answer is YES


def test_only_a_database_server_has_a_clock_of_its_own(db):
    """The journey on PostgreSQL runs this too."""
    is_server = connection.vendor == "postgresql"
    expected = (
        Finding("clock", YES, "it agrees with that of the database server")
        if is_server
        else Finding("clock", SKIPPED, "the database is on this machine")
    )
    assert clocks.find_database_clock() == expected
