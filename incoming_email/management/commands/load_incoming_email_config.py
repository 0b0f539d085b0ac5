"""`manage.py load_incoming_email_config FILE`: mailboxes from a gitlab.yml or gitlab.rb."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from incoming_email import config_files

EXIT_DATA = 65
EXIT_NO_INPUT = 66


class Command(BaseCommand):
    help = "Makes mailboxes of incoming_email and service_desk_email in FILE. Evaluates nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a gitlab.yml or gitlab.rb")
        parser.add_argument(
            "--environment", default="production", help="of a gitlab.yml; default production"
        )
        parser.add_argument("--name", default="", help="of the mailbox; default its address")

    def handle(self, *args: Any, file: str, environment: str, name: str, **options: Any) -> None:
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            text = _("%(file)s can't be read: %(cause)s.")
            values = {"file": file, "cause": error.strerror}
            raise CommandError(text % values, returncode=EXIT_NO_INPUT) from None
        try:
            config = config_files.read(content, filename=file, environment=environment)
            loaded = config_files.load(config, name=name)
        except config_files.UnreadableConfig as reason:
            text = _("Nothing was loaded. %(reason)s")
            raise CommandError(text % {"reason": reason}, returncode=EXIT_DATA) from None
        for remark in config.remarks:
            self.stdout.write(remark)
        for each in loaded:
            self.stdout.write(_describe(each))
            for remark in each.remarks:
                self.stdout.write(f"  {remark}")


def _describe(loaded: config_files.Loaded) -> str:
    row = loaded.mailbox
    state = _("enabled") if row.enabled else _("switched off")
    change = {"created": _("created"), "changed": _("changed"), "unchanged": _("unchanged")}
    return f"{row.purpose} {row.address}: {change[loaded.change]}, {state} (“{row.name}”)"
