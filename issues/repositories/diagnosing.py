"""What git's messages about a patch mean for the person who sent it."""

import re
from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues.repositories.refusing import Refused, Why, sentence

_FAILED = re.compile(r"^Patch failed at (\d+)", re.MULTILINE)
CONFLICT = _(
    "Patch %(place)s (%(title)s) does not apply: “%(path)s” is different from line %(line)s on."
    " Rebase your patches and send them again."
)
OTHER_FILE = _(
    "Patch %(place)s (%(title)s) does not apply: it does not fit “%(path)s” as it is there."
    " Rebase your patches and send them again."
)
FORBIDDEN = _("Patch %(place)s (%(title)s) writes to “%(path)s”, which is not allowed.")
DAMAGED = _(
    "Patch %(place)s (%(title)s) is damaged at line %(line)s; mail programs do that to long lines."
    " Send it as an attachment, or by git send-email."
)
INCOMPLETE_BINARY = _(
    "Patch %(place)s (%(title)s) changes the binary file “%(path)s” without its content. Make it by"
    " “git format-patch --binary --full-index”."
)
NO_CHANGE = _(
    "Patch %(place)s (%(title)s) changes no file. Leave it out, or attach the whole patch."
)
NO_AUTHOR = _("Patch %(place)s (%(title)s) does not say who wrote it. Make it by git format-patch.")
BAD_DATE = _(
    "Patch %(place)s (%(title)s) has a date that can't be read. Make it by git format-patch."
)
UNREADABLE = _(
    "Patch %(place)s (%(title)s) can't be read. Make it by git format-patch and attach the file."
)
_PATTERNS: Sequence[tuple[Why, str, Promise]] = (
    (
        Why.PATCH,
        r"cannot apply binary patch to '(?P<path>.+?)' without full index",
        INCOMPLETE_BINARY,
    ),
    (Why.PATCH, r"invalid path '(?P<path>.+?)'", FORBIDDEN),
    (Why.PATCH, r"affected file '(?P<path>.+?)' is beyond a symbolic link", FORBIDDEN),
    (Why.PATCH, r"corrupt patch at (?:line |.*?:)(?P<line>\d+)", DAMAGED),
    (Why.PATCH, r"patch fragment without header at (?:line |.*?:)(?P<line>\d+)", DAMAGED),
    (Why.PATCH, r"corrupt binary patch at (?:line |.*?:)(?P<line>\d+)", DAMAGED),
    (Why.CONFLICT, r"patch failed: (?P<path>.+?):(?P<line>\d+)$", CONFLICT),
    (Why.CONFLICT, r"^CONFLICT .* in (?P<path>.+?)$", OTHER_FILE),
    (Why.CONFLICT, r"^error: (?P<path>.+?): (?:does not exist in|already exists in)", OTHER_FILE),
    (Why.CONFLICT, r"^error: (?P<path>.+?): patch does not apply", OTHER_FILE),
    (Why.CONFLICT, r"^error: (?:removal patch|mode change for) (?P<path>.+?)[,:]", OTHER_FILE),
    (Why.PATCH, r"^Patch is empty", NO_CHANGE),
    (Why.PATCH, r"(?i)no valid patches in input", NO_CHANGE),
    (Why.PATCH, r"empty ident name|invalid ident|no name was given", NO_AUTHOR),
    (Why.PATCH, r"invalid date format", BAD_DATE),
)


def find_failed(messages: str) -> int:
    """The number of the patch that failed, from 1; 1 where git does not say."""
    match = _FAILED.search(messages)
    return int(match[1]) if match else 1


def explain(messages: str, *, place: str, title: str) -> Refused:
    """The first thing that we know the meaning of; the order is from cause to consequence."""
    for why, pattern, text in _PATTERNS:
        if match := re.search(pattern, messages, re.MULTILINE):
            return Refused(why, sentence(text, place=place, title=title, **match.groupdict()))
    return Refused(Why.PATCH, sentence(UNREADABLE, place=place, title=title))
