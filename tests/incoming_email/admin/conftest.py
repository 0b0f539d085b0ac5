"""The people who look at the admin."""

import pytest

from tests.admin_site import admin, admin_user, make_operator, operator

__all__ = ["admin", "admin_user", "operator"]


@pytest.fixture
def reviewer(client):
    """May process again, and try without effect."""
    client.force_login(make_operator("requeue_inboundemail"))
    return client
