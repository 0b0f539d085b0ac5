"""How much more `make test-deep` does of what has no end: examples, sizes, faults."""

import os

DEPTH = int(os.environ.get("TEST_DEPTH", "1"))
"""1 in the runs of every day."""
