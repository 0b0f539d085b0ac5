"""`manage.py purge_inbound_email`: remove what has been kept long enough, by kind and age."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.models import Kept, Mailbox
from incoming_email.upkeep import purging

EXIT_USAGE = 64


class Command(BaseCommand):
    help = "Removes raw messages, traces and files that are older than they are to be kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kind", action="append", choices=Kept.values, help="may be repeated; default all"
        )
        parser.add_argument(
            "--older-than",
            type=int,
            default=0,
            metavar="DAYS",
            help="instead of what mailboxes and settings say; needs --kind",
        )
        parser.add_argument("--mailbox", default="", metavar="NAME", help="default all")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, **options: Any) -> None:
        days, kinds = options["older_than"], options["kind"]
        if days < 0 or (days and not kinds):
            text = _("--older-than is a number of days above 0, and needs --kind: %(kinds)s.")
            raise CommandError(text % {"kinds": ", ".join(Kept.values)}, returncode=EXIT_USAGE)
        name = options["mailbox"]
        if name and not Mailbox.objects.filter(name=name).exists():
            names = ", ".join(Mailbox.objects.order_by("name").values_list("name", flat=True))
            text = _("There is no mailbox “%(name)s”. There are: %(names)s.")
            raise CommandError(text % {"name": name, "names": names or "–"}, returncode=EXIT_USAGE)
        wanted = purging.Wanted(
            kinds=tuple(Kept(kind) for kind in kinds or Kept.values),
            mailbox=name,
            days=days,
            dry_run=options["dry_run"],
        )
        purged = list(purging.purge(wanted, now=timezone.now()))
        for each in purged:
            self.stdout.write(_describe(each, dry_run=wanted.dry_run))
        if not purged:
            self.stdout.write(_("There is nothing to remove: everything is kept forever."))


def _describe(purged: purging.Purged, *, dry_run: bool) -> str:
    text = (
        _("%(mailbox)s: %(count)d %(kind)s older than %(days)d days would be removed")
        if dry_run
        else _("%(mailbox)s: %(count)d %(kind)s older than %(days)d days removed")
    )
    return text % {
        "mailbox": purged.mailbox,
        "count": purged.count,
        "kind": purged.kept.label,
        "days": purged.days,
    }
