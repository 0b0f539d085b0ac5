"""Reports on the next page which commands of a text were carried out, and which failed."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext

from issues.quick_actions import Written

MAX_REPORTED = 10
"""Refusals shown; who has more of them has another problem."""


def report_commands(request: HttpRequest, written: Written) -> None:
    """Nothing where the text held no commands."""
    if written.done:
        lines = " · ".join(written.done)
        messages.success(request, gettext("Done: %(lines)s") % {"lines": lines[:500]})
    for refusal in written.refused[:MAX_REPORTED]:
        values = {"line": refusal.shown_line, "why": refusal.why}
        messages.warning(request, gettext("“%(line)s” was not carried out. %(why)s") % values)
