"""The people who look at the admin."""

from tests.admin_site import admin, admin_user, operator

__all__ = ["admin", "admin_user", "operator"]
