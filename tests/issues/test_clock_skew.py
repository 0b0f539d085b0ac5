"""How far ahead another machine's clock may be."""

from datetime import UTC, datetime, timedelta

import pytest

from issues.clock_skew import latest_now

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("allowed", "seconds"), [(0, 60), (30, 60), (300, 300)])
def test_at_least_a_minute_and_as_far_as_the_check_lets_pass(settings, allowed, seconds):
    settings.CHECK_CLOCK_SECONDS = allowed
    assert latest_now(NOW) == NOW + timedelta(seconds=seconds)
