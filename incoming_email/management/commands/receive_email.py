"""`manage.py receive_email FILE…`: store and process messages now; a pipe target for an MTA."""

import json
import logging
import re
import sys
import uuid
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from incoming_email.inboxes.base import RawMessage
from incoming_email.models import InboundEmail, Mailbox, Purpose
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.addresses import AddressTemplate, parse_template, redact_address
from incoming_email.pipeline import processing, receiving
from incoming_email.pipeline.attempts import fill
from incoming_email.pipeline.isolation.reading import RawText, parse_all

logger = logging.getLogger(__name__)

# Exit codes of sysexits.h, which Postfix, Exim and procmail act on.
OK = 0
NOT_A_MESSAGE = 65  # EX_DATAERR: bounced, never tried again
UNREADABLE = 66  # EX_NOINPUT
HEADER_BYTES = 262_144
NOT_STORED = 75  # EX_TEMPFAIL: the MTA keeps the message and tries again


class Command(BaseCommand):
    help = "Stores each FILE ('-' is standard input) in the ledger and processes it now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--mailbox", metavar="NAME", help="The mailbox that takes it.")
        parser.add_argument(
            "--recipient", default="", metavar="ADDR", help="Envelope recipient, if known."
        )
        parser.add_argument("--dry-run", action="store_true", help="Show what would be done.")
        parser.add_argument("--json", action="store_true", help="One JSON object a file.")

    def handle(self, *args: Any, files: list[str], **options: Any) -> None:
        code = OK
        for file in files:
            try:
                content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
            except OSError:
                self.stderr.write(_("%s can't be read. Check its name and permissions.") % file)
                code = code or UNREADABLE
                continue
            try:
                templates = list(
                    map(parse_template, Mailbox.objects.values_list("address", flat=True))
                )
                row = _store(content, options)
            except CommandError:
                raise
            except Exception as error:  # whatever it is, the MTA must keep the message
                is_space = isinstance(error, receiving.NoSpaceError)
                logger.exception("message not stored", exc_info=not is_space)
                self.stderr.write(_("%(file)s was not stored: %(error)s") % vars_of(file, error))
                code = NOT_STORED
                continue
            try:
                if row.pk is not None:
                    processing.process_claimed([row], clock=timezone.now)
                    row.refresh_from_db()
            except Exception as error:  # whatever it is, the sweep takes the row up again
                logger.exception("no attempt could be made inbound_email=%s", row.pk)
                self._put_off(file, row, error)
            self._show(file, row, templates, as_json=options["json"])
            code = code or (NOT_A_MESSAGE if row.reason == Reason.NOT_A_MESSAGE else OK)
        if code:
            sys.exit(code)

    def _put_off(self, file: str, row: InboundEmail, error: Exception) -> None:
        """It is stored, so whatever failed the MTA must not deliver it again or bounce it."""
        row.status, row.reason, row.duplicate_of = Status.PENDING, "", None
        row.handler, row.outcome, row.trace = "", "", []
        said = _(
            "%(file)s is stored and will be processed later, because it can't be processed"
            " now: %(error)s"
        )
        self.stderr.write(said % vars_of(file, error))

    def _show(
        self, file: str, row: InboundEmail, templates: list[AddressTemplate], *, as_json: bool
    ) -> None:
        status = "duplicate" if row.reason == Reason.DUPLICATE else str(row.status)
        if as_json:
            shown = {
                "file": file,
                "row": row.pk,
                "status": status,
                "reason": row.reason or None,
                "handler": row.handler or None,
                "outcome": row.outcome or None,
                "recipient": redact_address(row.recipient, templates) or None,
                "trace": row.trace,
            }
            self.stdout.write(json.dumps(shown, ensure_ascii=False))
            return
        what = row.outcome or row.get_reason_display() or row.last_error
        number = f"inbound email {row.pk}" if row.pk else "nothing was kept"
        self.stdout.write(": ".join(filter(None, (file, status, what))) + f" ({number})")


def vars_of(file: str, error: Exception) -> dict[str, str]:
    return {"file": file, "error": str(error).strip()}


def _store(content: bytes, options: Mapping[str, Any]) -> InboundEmail:
    """The stored row, claimed by us; in a dry run one that is not stored, after its attempt."""
    recipient = options["recipient"]
    chosen = _choose_mailbox(options["mailbox"], content, recipient)
    oversize = len(content) > settings.MAX_MESSAGE_BYTES
    kept = _header_block(content) if oversize else content
    message = RawMessage(f"file:{uuid.uuid4().hex}", kept, recipient, oversize)
    if options["dry_run"]:
        row = receiving.new_row(chosen, message, now=timezone.now(), claimed=True)
        now = timezone.now()
        fill(row, processing.try_out(row, now=now), now=now)
        return row
    receiving.check_space()
    (row,) = receiving.store(chosen, [message], now=timezone.now(), claimed=True)
    return row


def _header_block(content: bytes) -> bytes:
    """Up to the first blank line, as an oversize row keeps it."""
    return re.split(rb"\r?\n\r?\n", content[:HEADER_BYTES].lstrip(b"\r\n"), maxsplit=1)[0]


def _choose_mailbox(name: str | None, content: bytes, recipient: str) -> Mailbox:
    """By name; else the first enabled one whose address the message bears; else the first."""
    if name is not None:
        try:
            return Mailbox.objects.get(name=name)
        except Mailbox.DoesNotExist:
            names = ", ".join(Mailbox.objects.values_list("name", flat=True)) or _("none")
            raise CommandError(
                _("There is no mailbox “%(name)s”. There are: %(names)s.")
                % {"name": name, "names": names},
                returncode=NOT_STORED,
            ) from None
    mailboxes = list(Mailbox.objects.filter(enabled=True).order_by("pk"))
    (header,) = parse_all([RawText(content, recipient, is_header_only=True)])
    for candidate in header.candidates:
        for mailbox in mailboxes:
            if mailbox.template.matches(candidate.address):
                return mailbox
    default = next((m for m in mailboxes if m.purpose == Purpose.INCOMING_EMAIL), None)
    if default is None:
        raise CommandError(
            _("No mailbox is enabled, so no message can be received. Enable one in the admin."),
            returncode=NOT_STORED,
        )
    return default
