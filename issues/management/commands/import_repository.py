"""`manage.py import_repository PROJECT SOURCE`: take over a git repository or bundle."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from issues import repositories, services
from issues.models import Project


class Command(BaseCommand):
    help = "Copies branches and tags of a git folder or bundle into the project's repository."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="Path of the project: acme/shop.")
        parser.add_argument("source", type=Path, metavar="PATH_OR_BUNDLE")

    def handle(self, *args: Any, project: str, source: Path, **options: Any) -> None:
        row = Project.objects.filter(path=project).first()
        if row is None:
            raise CommandError(_("There is no project “%s”. Create it first.") % project)
        try:
            branch = services.import_repository(project=row, source=source)
        except repositories.Refused as refusal:
            raise CommandError(str(refusal.sentence)) from refusal
        count = len(repositories.find_branches(row))
        self.stdout.write(f"{row.path}: {count} branches, the default is {branch}")
