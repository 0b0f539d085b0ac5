"""Python looks for garbage in cycles less often: a look walks over what thousands of tests hold."""

import gc

# A hundred times as many new objects as usual. A test that waits for it calls `gc.collect`.
gc.set_threshold(70_000, 10, 10)


def pytest_collection_finish() -> None:
    """What is there now stays to the end of the run, so it need not be looked at again."""
    gc.collect()
    gc.freeze()
