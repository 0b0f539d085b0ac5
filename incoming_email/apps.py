"""Registration of the app: its system checks, and the table that the database cache needs."""

from typing import Any

from django.apps import AppConfig
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.management import call_command
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class IncomingEmailConfig(AppConfig):
    name = "incoming_email"
    verbose_name = _("Incoming email")

    def ready(self) -> None:
        from incoming_email import checks  # noqa: F401, PLC0415  (needs the models, which come first)

        post_migrate.connect(create_cache_table, sender=self)


def create_cache_table(*, using: str, verbosity: int, **kwargs: Any) -> None:
    """So that `migrate` is the only command that a new database needs."""
    if any(isinstance(cache, DatabaseCache) for cache in caches.all(initialized_only=False)):
        call_command("createcachetable", database=using, verbosity=max(0, verbosity - 1))
