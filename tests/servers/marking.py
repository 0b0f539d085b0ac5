"""Gives the marker `services` to each test that starts a server, so that a run may leave it out,
and `slow` to the whole ways of `tests/journeys`.

Known by the fixtures of a test; one that starts a server by itself has the marker by hand, and
fails without.
"""

from pathlib import Path

import pytest

from tests.servers import programs

JOURNEYS = Path(__file__).resolve().parents[1] / "journeys"
FIXTURES = frozenset({"browser", "dovecot", "oauth_dovecot", "plain_dovecot"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before pytest looks at the markers that it was told to select."""
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("services")
        if JOURNEYS in item.path.parents:
            item.add_marker("slow")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    programs.may_start_services = item.get_closest_marker("services") is not None
