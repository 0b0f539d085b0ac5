"""What every test of a handler starts with."""

import pytest

from tests.incoming_email.world import make_world


@pytest.fixture
def world():
    return make_world()
