"""The group of those who may see everything in the admin, and change nothing."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

APPS = ("admin", "django_celery_beat", "incoming_email", "issues", "servicedesk")


class Command(BaseCommand):
    help = "Make the group of read-only operators, or bring its permissions up to date."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", default="Read-only operators", help="name of the group")

    def handle(self, *, name: str, **options: Any) -> None:
        group, _created = Group.objects.get_or_create(name=name)
        may_view = Permission.objects.filter(
            content_type__app_label__in=APPS, codename__startswith="view_"
        )
        group.permissions.set(may_view)
        said = _("The group “%(name)s” may see everything and change nothing.")
        self.stdout.write(said % {"name": name})
