"""Where a mailbox starts: count what arrived since a day, ingest it, or start from now."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.inboxes.base import InboxError
from incoming_email.management.progress import show_progress
from incoming_email.models import Mailbox
from incoming_email.pipeline import fetching


class Command(BaseCommand):
    help = "Take in mail that came since a day though it was read, count it, or start from now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("mailbox", metavar="NAME")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--since", metavar="DATE", help="2026-05-01, or 2026-05-01T09:30")
        what.add_argument(
            "--from-now", action="store_true", help="leave all mail alone that has come so far"
        )
        parser.add_argument(
            "--preview", action="store_true", help="with --since: count only, take nothing in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        mailbox = find_mailbox(options["mailbox"])
        if options["from_now"]:
            now = timezone.now()
            fetching.start_from(mailbox, now)
            text = _("Mail received before %(moment)s is ignored from now on.")
            self.stdout.write(text % {"moment": timezone.localtime(now).isoformat(" ", "minutes")})
            return
        since = parse_moment(options["since"])
        try:
            if options["preview"]:
                self._write_count(fetching.preview(mailbox, since=since), options["since"])
            else:
                self._fill_in(mailbox, since)
        except InboxError as fault:
            raise CommandError(fetching.describe_fault(fault)) from fault

    def _write_count(self, count: int, day: str) -> None:
        text = ngettext(
            "%(count)d message since %(day)s, with what is kept already.",
            "%(count)d messages since %(day)s, with what is kept already.",
            count,
        )
        self.stdout.write(text % {"count": count, "day": day})

    def _fill_in(self, mailbox: Mailbox, since: datetime) -> None:
        with show_progress(mailbox.name) as show:
            new = fetching.backfill(mailbox, since=since, on_progress=show)
        text = ngettext(
            "%(count)d new message was fetched.", "%(count)d new messages were fetched.", new
        )
        self.stdout.write(text % {"count": new})


def find_mailbox(name: str) -> Mailbox:
    asked = Mailbox.objects.of_polled_methods()
    mailbox = asked.filter(name=name).first()
    if mailbox is None:
        names = ", ".join(asked.order_by("name").values_list("name", flat=True)) or "–"
        text = _("There is no mailbox “%(name)s” that mail is fetched from. There are: %(names)s.")
        raise CommandError(text % {"name": name, "names": names})
    return mailbox


def parse_moment(text: str) -> datetime:
    """A day begins at midnight of TIME_ZONE, and a time without a zone is one of TIME_ZONE."""
    try:
        moment = parse_datetime(text)
        day = parse_date(text)
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001  (made aware below)
    if moment is None:
        raise CommandError(
            _("“%(text)s” is not a date. Use the format 2026-05-01.") % {"text": text}
        )
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
