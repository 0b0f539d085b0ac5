"""Ends this process when its main loop is stuck, so that its supervisor starts it again.

It is Python's own: a thread in C, which a lock that is never released does not stop. It writes to
standard error where each thread is ("Timeout (0:05:00)!"), and exits with status 1.
"""

import faulthandler
import sys

from django.conf import settings


def feed() -> None:
    """The main loop goes round: it is given WATCHDOG_SECONDS until the next call. 0 is for ever."""
    seconds = settings.WATCHDOG_SECONDS
    if seconds:
        # Celery puts something without a descriptor in the place of sys.stderr.
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)


def rest() -> None:
    """Nothing is to go round until `feed` is called again."""
    faulthandler.cancel_dump_traceback_later()
