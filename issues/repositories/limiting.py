"""How much one mail or series of patches may bring, asked before git sees a byte of it."""

from collections.abc import Sequence

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues import patches as patch_text
from issues.repositories.refusing import Refused, Why, sentence


def require_within_limits(mails: Sequence[bytes]) -> None:
    """Raises Refused with the limit that is passed."""
    size = sum(map(len, mails))
    if size > settings.MAX_PATCH_BYTES:
        _refuse(
            _("The patches have %(size)s, and %(limit)s is the most. Send them in smaller series."),
            size=_show(size),
            limit=_show(settings.MAX_PATCH_BYTES),
        )
    summaries = [patch_text.summarize(mail) for mail in mails]
    files = sum(summary.files for summary in summaries)
    if files > settings.MAX_PATCH_FILES:
        _refuse(
            _("The patches change %(files)s files, and %(limit)s is the most. Send fewer."),
            files=files,
            limit=settings.MAX_PATCH_FILES,
        )
    for number, summary in enumerate(summaries, start=1):
        if summary.longest_line > settings.MAX_PATCH_LINE_BYTES:
            _refuse(
                _("Patch %(number)s has a line of %(size)s, and %(limit)s is the most."),
                number=number,
                size=_show(summary.longest_line),
                limit=_show(settings.MAX_PATCH_LINE_BYTES),
            )
        if summary.unpacked > settings.MAX_GIT_FILE_BYTES:
            _refuse(
                _("Patch %(number)s unpacks to %(size)s, and %(limit)s is the most."),
                number=number,
                size=_show(summary.unpacked),
                limit=_show(settings.MAX_GIT_FILE_BYTES),
            )


def _refuse(text: Promise, **values: object) -> None:
    raise Refused(Why.PATCH, sentence(text, **values))


def _show(size: int) -> str:
    return filesizeformat(size).replace("\N{NO-BREAK SPACE}", " ")
