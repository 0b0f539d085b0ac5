"""How tests call the commands that handle secrets."""

import io
import sys
from io import StringIO

from django.core.management import CommandError, call_command


def run(*words, stdin="", monkeypatch=None):
    """Exit status, output, error text."""
    out = StringIO()
    if monkeypatch is not None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    try:
        call_command(*words, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""
