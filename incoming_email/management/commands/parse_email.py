"""Shows how Letterbox reads messages: `parse_email FILE…`. Needs no database."""

import json
import os
import re
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.parsing.addresses import AddressTemplate, InvalidTemplate, parse_template
from incoming_email.parsing.message import parse_plain
from incoming_email.parsing.types import Candidate, Forwarded, ParsedEmail
from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import NoParserError

EXIT_USAGE = 64
EXIT_UNREADABLE = 66
EXIT_NO_PARSER = 71
"""EX_USAGE, EX_NOINPUT and EX_OSERR of sysexits.h."""

STDIN = "-"
_TERMINAL_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Command(BaseCommand):
    help = "Show how messages are read: candidates, kind, text, reply, quoted part, attachments."
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a message; - is stdin")
        parser.add_argument("--json", action="store_true", help="one JSON object a line and file")
        parser.add_argument("--plain", action="store_true", help="files are bare text bodies")
        parser.add_argument(
            "--address",
            action="append",
            default=[],
            metavar="TEMPLATE",
            help="find keys by this address, as in incoming+%%{key}@example.com; repeatable",
        )

    def handle(self, *args: object, **options: Any) -> None:
        templates = _parse_templates(options["address"])
        _write_utf8()
        unreadable = 0
        for file in options["files"]:
            try:
                content = _read(file)
            except OSError as error:
                unreadable += 1
                described = {"file": _printable(file), "error": error.strerror or str(error)}
            else:
                email = parse_plain(content) if options["plain"] else _parse(content)
                described = {"file": _printable(file), **describe(email, templates)}
            self.stdout.write(_as_json(described) if options["json"] else _as_text(described))
        if unreadable:
            raise CommandError(
                ngettext(
                    "%(count)d file could not be read.",
                    "%(count)d files could not be read.",
                    unreadable,
                )
                % {"count": unreadable},
                returncode=EXIT_UNREADABLE,
            )


def _parse(content: bytes) -> ParsedEmail:
    try:
        return reading.parse(content)
    except NoParserError as fault:
        sentence = _(
            "No message can be read: %(fault)s. Most often memory or processes are used up."
        )
        raise CommandError(sentence % {"fault": fault}, returncode=EXIT_NO_PARSER) from fault


def describe(email: ParsedEmail, templates: list[AddressTemplate]) -> dict[str, Any]:
    """The shape that people script against (SPEC, section 13)."""
    return {
        "message_id": email.message_id or None,
        "from": email.sender or None,
        "from_name": email.sender_name,
        "reply_to": email.reply_to or None,
        "subject": email.subject,
        "date": email.date.isoformat() if email.date else None,
        "kind": email.kind.value,
        "candidates": [_describe_candidate(each, templates) for each in email.candidates],
        "text": email.text,
        "reply": email.reply,
        "quoted": email.quoted,
        "forwarded": _describe_forwarded(email.forwarded),
        "attachments": [
            {
                "filename": attachment.filename,
                "content_type": attachment.content_type,
                "size": attachment.size,
                "inline": attachment.inline,
            }
            for attachment in email.attachments
        ],
        "defects": list(email.defects),
    }


def _describe_forwarded(forwarded: Forwarded | None) -> dict[str, str | None] | None:
    if forwarded is None:
        return None
    return {
        "address": forwarded.address or None,
        "name": forwarded.name,
        "date": forwarded.date.isoformat() if forwarded.date else None,
        "subject": forwarded.subject,
    }


def _describe_candidate(
    candidate: Candidate, templates: list[AddressTemplate]
) -> dict[str, str | None]:
    key = find_key(candidate.address, templates)
    return {"header": candidate.header, "address": candidate.address, "key": key}


def find_key(address: str, templates: list[AddressTemplate]) -> str | None:
    """By the first template that fits, else the detail after the plus sign (RFC 5233)."""
    keys = (template.find_key(address) for template in templates)
    detail = address.rpartition("@")[0].partition("+")[2]
    return next((key for key in keys if key), detail or None)


def _parse_templates(texts: list[str]) -> list[AddressTemplate]:
    try:
        return [parse_template(text) for text in texts]
    except InvalidTemplate as error:
        raise CommandError(str(error), returncode=EXIT_USAGE) from error


def _write_utf8() -> None:
    """Whatever the locale says: output is UTF-8 and never fails on a character."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")


def _read(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()


def _printable(file: str) -> str:
    """A file name need not be UTF-8; what is not becomes U+FFFD."""
    return os.fsencode(file).decode("utf-8", errors="replace")


def _as_json(described: dict[str, Any]) -> str:
    return json.dumps(described, ensure_ascii=False)


def _as_text(described: dict[str, Any]) -> str:
    """The same, for eyes; control characters of the message do not reach the terminal."""
    lines = [f"== {described['file']}"]
    if "error" in described:
        return _safe("\n".join([*lines, _("could not be read: %s") % described["error"]]))
    lines += [f"{label}: {value}" for label, value in _fields(described) if value]
    for label, value in (
        (_("Reply"), described["reply"]),
        (_("Cut off"), described["quoted"]),
    ):
        if value:
            lines += ["", f"-- {label}", value]
    return _safe("\n".join([*lines, ""]))


def _fields(described: dict[str, Any]) -> list[tuple[str, str]]:
    key = _("key")  # outside the f-string, where xgettext sees it
    candidates = [
        (_("Candidate"), f"{each['header']}: {each['address']} ({key}: {each['key'] or '–'})")
        for each in described["candidates"]
    ]
    attachments = [
        (_("Attachment"), f"{each['filename']} ({each['content_type']}, {each['size']} bytes)")
        for each in described["attachments"]
    ]
    return [
        (_("Message-ID"), described["message_id"] or ""),
        (_("From"), f"{described['from_name']} <{described['from'] or ''}>"),
        (_("Reply-To"), described["reply_to"] or ""),
        (_("Subject"), described["subject"]),
        (_("Date"), described["date"] or ""),
        (_("Kind"), described["kind"]),
        (_("Forwarded"), _forwarded_as_text(described["forwarded"])),
        *candidates,
        *attachments,
        *((_("Defect"), defect) for defect in described["defects"]),
    ]


def _forwarded_as_text(forwarded: dict[str, str | None] | None) -> str:
    if forwarded is None:
        return ""
    person = f"{forwarded['name']} <{forwarded['address'] or ''}>".strip()
    parts = (person, forwarded["date"], forwarded["subject"])
    return ", ".join(each for each in parts if each)


def _safe(text: str) -> str:
    return _TERMINAL_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
