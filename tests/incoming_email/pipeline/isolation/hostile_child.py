"""A parser that does what the message's body tells it to; run by `python -m`, as the real one.

`ORDER ARGUMENT`, of which the first word names a function here. A header is read as ever, unless
the order ends in `always`.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from incoming_email.parsing.child import Asked, Request, read, serve
from incoming_email.parsing.types import ParsedEmail


def sleep(mark):
    begin(mark)
    time.sleep(600)


def loop(mark):
    begin(mark)
    while True:
        pass


def loop_at_markup(_):
    """Not called where only the text of HTML is wanted."""
    loop("")


def begin(mark):
    """Says so by a file, if one is named."""
    if mark:
        Path(mark).touch()


def hoard(size):
    return bytearray(int(size))


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_once(mark):
    if not Path(mark).exists():
        sleep(mark)


def die_once(mark):
    """As when the system took the memory from us, which another process had wasted."""
    if not Path(mark).exists():
        Path(mark).touch()
        die(mark)


def leave(words):
    raise ValueError(words)


def babble(_):
    sys.stdout.write("printed, harms nothing\n")
    sys.stdout.flush()


def lie(size):
    """Write to the parent what is no answer: a length, and a little of it."""
    for number in range(3, 20):
        with suppress(OSError):  # not open, or for reading
            os.write(number, int(size).to_bytes(8, "big") + b"\0" * 60)


def show_environment(_):
    return "\n".join(sorted(os.environ))


def obey(request: Request) -> ParsedEmail:
    order = request.content.replace(b"\r", b"").partition(b"\n\n")[2].decode().split()
    action = globals().get(order[0]) if order else None
    if action is loop_at_markup and request.limits.html_as_text:
        action = None
    told = None
    if action and (request.asked is not Asked.HEADER or order[-1] == "always"):
        told = action(order[1] if order[1:] else "")
    email = read(request)
    return replace(email, text=told) if isinstance(told, str) else email


if __name__ == "__main__":
    serve(obey)
