"""kill -9 from within: nothing is cleaned up, nothing commits. For the steps of crash tests."""

import os
import signal


def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(function):
    """The same function, and then the end."""

    def run(*args, **kwargs):
        function(*args, **kwargs)
        die()

    return run
