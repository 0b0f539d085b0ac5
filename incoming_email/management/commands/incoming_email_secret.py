"""`manage.py incoming_email_secret edit|show|write`: the encrypted file of a mailbox."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from incoming_email.models import Mailbox, Purpose
from incoming_email.secrets import plain_copies, secret_files

EXIT_USAGE = 64
EXIT_DATA = 65
TEMPLATE = "# user: 'incoming@example.com'\n# password: 'secret'\n"


class Command(BaseCommand):
    help = "User and password of a mailbox in an encrypted file; they go before those of its row."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("edit", "show", "write"))
        parser.add_argument(
            "--mailbox", default="", metavar="NAME", help="else the only one of its purpose"
        )
        parser.add_argument(
            "--service-desk", action="store_true", help="of the purpose service_desk_email"
        )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        mailbox = _find_mailbox(options["mailbox"], is_service_desk=options["service_desk"])
        try:
            {"edit": self._edit, "show": self._show, "write": self._write}[action](mailbox)
        except secret_files.UnreadableFileError as fault:
            raise CommandError(f"{_name(mailbox)}: {fault.detail}. {fault.remedy}") from None
        except secret_files.InvalidSecrets as fault:
            text = _("Nothing was saved. %(reason)s") % {"reason": fault}
            raise CommandError(text, returncode=EXIT_DATA) from None

    def _edit(self, mailbox: Mailbox) -> None:
        editor = os.environ.get("EDITOR", "").strip()
        if not editor:
            text = _(
                "EDITOR is not set to a program. For example: EDITOR=nano python manage.py %(rest)s"
            )
            rest = "incoming_email_secret edit"
            raise CommandError(text % {"rest": rest}, returncode=EXIT_USAGE)
        before = secret_files.read_text(mailbox.pk)
        folder = Path(settings.SECRETS_DIR)
        secret_files.ensure_folder(folder)
        try:
            after = plain_copies.edit(
                TEMPLATE if before is None else before, editor=editor, fallback=folder
            )
        except plain_copies.EditorError as error:
            text = _("Nothing was saved, since the editor failed (%(cause)s).")
            raise CommandError(text % {"cause": error}) from None
        if after == (TEMPLATE if before is None else before):
            self.stdout.write(_("unchanged"))
        else:
            self._save(mailbox, after)

    def _show(self, mailbox: Mailbox) -> None:
        text = secret_files.read_text(mailbox.pk)
        if text is None:
            sentence = _(
                "%(file)s does not exist, so the row's values count. Make it: %(command)s"
            ) % {
                "file": secret_files.path_of(mailbox.pk),
                "command": "python manage.py incoming_email_secret edit",
            }
            raise CommandError(sentence)
        self.stdout.write(text, ending="" if text.endswith("\n") else "\n")

    def _write(self, mailbox: Mailbox) -> None:
        """All of standard input, so that a password never appears on a command line."""
        self._save(mailbox, sys.stdin.read(secret_files.MAX_FILE_BYTES + 1))

    def _save(self, mailbox: Mailbox, text: str) -> None:
        path = secret_files.write_text(mailbox.pk, text)
        sentence = _(
            "Saved in %(file)s. Watcher and poller of “%(name)s” use it within 30 seconds."
        )
        self.stdout.write(sentence % {"file": path, "name": mailbox.name})


def _name(mailbox: Mailbox) -> str:
    return str(secret_files.path_of(mailbox.pk))


def _find_mailbox(name: str, *, is_service_desk: bool) -> Mailbox:
    """By name; else the only one of the purpose."""
    purpose = Purpose.SERVICE_DESK_EMAIL if is_service_desk else Purpose.INCOMING_EMAIL
    rows = Mailbox.objects.order_by("name")
    if not name or is_service_desk:
        rows = rows.filter(purpose=purpose)
    found = list(rows.filter(name=name) if name else rows)
    if len(found) == 1:
        return found[0]
    names = ", ".join(row.name for row in rows) or "–"
    if name:
        text = _("There is no mailbox “%(name)s”. There are: %(names)s.")
    else:
        text = _("Choose one mailbox of purpose %(purpose)s with --mailbox. There are: %(names)s.")
    values = {"name": name, "names": names, "purpose": purpose.value}
    raise CommandError(text % values, returncode=EXIT_USAGE)
