"""Registration of the app: its checks, what it gives to the layer below, the cache's table."""

from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.management import call_command
from django.db.models.signals import post_delete, post_migrate, pre_delete
from django.utils.translation import gettext_lazy as _


class IncomingEmailConfig(AppConfig):
    name = "incoming_email"
    verbose_name = _("Incoming email")

    def ready(self) -> None:
        # The models come first.
        from incoming_email import checks  # noqa: F401, PLC0415
        from incoming_email.handlers import registry  # noqa: PLC0415
        from incoming_email.keys import bearer_keys, reply_keys  # noqa: PLC0415
        from incoming_email.models import hour_triggers, ledger_search  # noqa: PLC0415
        from incoming_email.secrets import secret_files  # noqa: PLC0415
        from issues.bearer_secrets import KEYS  # noqa: PLC0415
        from issues.notifications import REPLY_ROUTES  # noqa: PLC0415

        KEYS.register(bearer_keys.find_keys)
        REPLY_ROUTES.register(reply_keys.reply_routes)
        # At the start, and before a worker forks, not at the first message. The checks name a path
        # that leads nowhere.
        with suppress(ImportError):
            registry.handlers()
        for item in ("issues.Issue", "issues.MergeRequest"):
            pre_delete.connect(reply_keys.retire, sender=item)
        post_delete.connect(secret_files.forget, sender="incoming_email.Mailbox")
        post_migrate.connect(create_cache_table, sender=self)
        post_migrate.connect(hour_triggers.install_again, sender=self)
        post_migrate.connect(ledger_search.install, sender=self)


def create_cache_table(*, using: str, verbosity: int, **kwargs: Any) -> None:
    """So that `migrate` is the only command that a new database needs."""
    if any(isinstance(cache, DatabaseCache) for cache in caches.all(initialized_only=False)):
        call_command("createcachetable", database=using, verbosity=max(0, verbosity - 1))
