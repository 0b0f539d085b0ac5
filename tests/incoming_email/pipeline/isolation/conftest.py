"""A pool of parsers that do what the message tells them to."""

import pytest

from incoming_email.pipeline.isolation.process import ParserPool

HOSTILE = "tests.incoming_email.pipeline.isolation.hostile_child"


@pytest.fixture(scope="module")
def hostile():
    """One pool a file: a child costs some 200 ms."""
    pool = ParserPool(HOSTILE)
    yield pool
    pool.close()


@pytest.fixture
def alone():
    """A pool of one's own, where children are counted or killed."""
    pool = ParserPool(HOSTILE)
    yield pool
    pool.close()
