"""`manage.py rotate_encryption_keys`: everything goes over to the first of ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from incoming_email.upkeep import rotating


class Command(BaseCommand):
    help = "Encrypts what is stored under an older key with the first of ENCRYPTION_KEYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        lost = changed = 0
        for rotated in rotating.rotate(dry_run=dry_run):
            values = {
                "place": rotated.name,
                "current": rotated.current,
                "changed": rotated.changed,
                "lost": len(rotated.unreadable),
            }
            text = _("%(place)s: %(current)d current, %(changed)d changed, %(lost)d unreadable")
            self.stdout.write(text % values)
            if rotated.unreadable:
                self.stdout.write(f"  {', '.join(rotated.unreadable[:20])}")
            lost += len(rotated.unreadable)
            changed += rotated.changed
        self.stdout.write(_conclude(changed=changed, lost=lost, dry_run=dry_run))


def _conclude(*, changed: int, lost: int, dry_run: bool) -> str:
    if lost:
        text = _(
            "No key can decrypt these %(count)d values. Restore the key that they were "
            "encrypted with, or enter them again; do not remove any key until then."
        )
        raise CommandError(text % {"count": lost})
    if dry_run and changed:
        return _("Nothing was changed. Run it again without --dry-run.")
    if len(settings.ENCRYPTION_KEYS) == 1:
        return _("There is one key, and everything is encrypted with it.")
    return _(
        "Everything is encrypted with the first key. Once every process has been restarted with "
        "it and this command reports no more changes, the other keys can be removed."
    )
