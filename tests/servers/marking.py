"""Gives the marker `services` to each test that starts a server, so that a run may leave it out.

Known by the fixtures of a test; one that starts a server by itself has the marker by hand, and
fails without.
"""

import pytest

from tests.servers import programs

FIXTURES = frozenset({"browser", "dovecot", "oauth_dovecot", "plain_dovecot"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before pytest looks at the markers that it was told to select."""
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("services")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    programs.may_start_services = item.get_closest_marker("services") is not None
