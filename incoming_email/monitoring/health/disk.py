"""Whether there is free space where we write: data, files, repositories, a broker of files."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from incoming_email import free_space
from incoming_email.inboxes.base import Answer, Finding
from incoming_email.monitoring.health.examinations import Examination, Probe

STEP = "disk space"


def examine_disk(*, timeout: float) -> Examination:
    """In a thread: a network drive that is unreachable never answers."""
    return Examination(probe=Probe((STEP,), find_disk_space, timeout))


def find_disk_space() -> Iterator[Finding]:
    try:
        spaces = free_space.find_spaces()
    except OSError as error:
        remedy = _("Check DATA_DIR, MEDIA_ROOT and REPOSITORIES_ROOT.")
        yield Finding(STEP, Answer.NO, str(error), remedy)
        return
    full = [space for space in spaces if space.is_short(settings.CHECK_DISK_MIN_BYTES)]
    short = [space for space in spaces if space.is_short(settings.CHECK_DISK_WARN_BYTES)]
    least = settings.CHECK_DISK_MIN_BYTES if full else settings.CHECK_DISK_WARN_BYTES
    answer = Answer.NO if full else Answer.WARN if short else Answer.YES
    remedy = _("Free space there, or keep mail for fewer days (KEEP_RAW_DAYS and the others).")
    if full:
        remedy = " ".join((remedy, _("Until then no mail is taken in.")))
    detail = "; ".join(space.describe(least) for space in full or short or spaces)
    yield Finding(STEP, answer, detail, "" if answer is Answer.YES else remedy)
