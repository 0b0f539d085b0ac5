"""`manage.py erase_person ADDRESS|USERNAME`: erase a person's data."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.upkeep import erasing

EXIT_USAGE = 64


class Command(BaseCommand):
    help = "Erases account, addresses, mail and keys of a person. It can't be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="ADDRESS|USERNAME")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, person: str, dry_run: bool, **options: Any) -> None:
        try:
            found = erasing.find_person(person)
        except erasing.NobodyError as error:
            raise CommandError(str(error), returncode=EXIT_USAGE) from None
        erased = erasing.erase(found, by=None, now=timezone.now(), dry_run=dry_run)
        for name, count in erased.counts:
            self.stdout.write(f"{name}: {count}")
        if not erased.counts:
            self.stdout.write(_("No data of this person is stored."))
        elif dry_run:
            self.stdout.write(_("Nothing was erased. Run it again without --dry-run."))
        else:
            self.stdout.write(_("Erased. Backups still contain it until they are overwritten."))
        if erased.waiting:
            text = ngettext(
                "%(count)d message still waits for a worker. Run this again when it has ended.",
                "%(count)d messages still wait for a worker. Run this again when they have ended.",
                erased.waiting,
            )
            self.stdout.write(text % {"count": erased.waiting})
