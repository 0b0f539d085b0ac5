"""When mail past a limit may go, on exact values."""

import datetime as dt

import pytest

from servicedesk.schedules import Limit, Planned, find_times

NOW = dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def ago(minutes, *, is_held=False):
    return Planned(NOW - dt.timedelta(minutes=minutes), is_held)


def minutes_until(times):
    return [(time - NOW).total_seconds() / 60 for time in times]


@pytest.mark.parametrize(
    ("count", "taken", "limits", "expected"),
    [
        pytest.param(3, [], [], [0, 0, 0], id="no limit"),
        pytest.param(2, [ago(50)], [(3, HOUR)], [0, 0], id="room for all"),
        pytest.param(1, [ago(50), ago(20)], [(2, HOUR)], [10], id="first leaves in ten minutes"),
        pytest.param(3, [ago(50), ago(20)], [(2, HOUR)], [10, 40, 70], id="each waits for one"),
        pytest.param(5, [], [(2, HOUR)], [0, 0, 60, 60, 120], id="more than an hour has"),
        pytest.param(1, [ago(60)], [(1, HOUR)], [0], id="an hour ago is past"),
        pytest.param(2, [ago(1430)] * 2, [(5, HOUR), (3, DAY)], [0, 10], id="the day's limit"),
        pytest.param(1, [ago(-30, is_held=True)], [(9, HOUR)], [30], id="behind one that is held"),
        pytest.param(1, [ago(-30, is_held=True)], [], [30], id="behind it without any limit"),
        pytest.param(1, [ago(-30)], [(9, HOUR)], [0], id="not behind one that is tried again"),
        pytest.param(1, [ago(-30)], [(1, HOUR)], [60], id="one that is tried again has its room"),
    ],
)
def test_times(count, taken, limits, expected):
    times = find_times(count, taken, [Limit(*limit) for limit in limits], now=NOW)
    assert minutes_until(times) == expected


def test_automatic_mails_have_a_share_of_their_own():
    taken = [Planned(NOW, is_held=False, is_automatic=True), ago(10), ago(5)]
    found = find_times(2, taken, [Limit(9, HOUR)], now=NOW, share=[Limit(1, HOUR)])
    assert minutes_until(found) == [60, 120]
    found = find_times(2, taken, [Limit(4, HOUR)], now=NOW, share=[Limit(3, HOUR)])
    assert minutes_until(found) == [0, 50]
