"""What every test has: the servers' fixtures, and property tests that CI can repeat."""

import os

from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures"]

# A new counter-example is welcome at a desk; CI must say the same of the same commit.
settings.register_profile("repeatable", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("repeatable")
