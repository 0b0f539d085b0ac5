"""Registration of the app."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _


class IssuesConfig(AppConfig):
    name = "issues"
    verbose_name = _("Issues")

    def ready(self) -> None:
        import_module("issues.checks")
        unsubscribing = import_module("issues.unsubscribing")
        signed_links = import_module("issues.bearer_secrets").SIGNED_LINKS
        signed_links.register(unsubscribing.is_token)
        signed_links.register(import_module("issues.accounts").is_token)
        uploads = import_module("issues.uploads")  # needs the models, which come first
        post_delete.connect(uploads.forget_file, sender="issues.Upload")
        repositories = import_module("issues.repositories")
        post_delete.connect(repositories.forget_repository, sender="issues.Project")
