"""Checks whether incoming email is set up and running: `check_incoming_email`."""

import itertools
import json
import os
import re
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from incoming_email.inboxes.base import Answer, InboxError
from incoming_email.management.progress import show_progress
from incoming_email.models import InboundEmail, Mailbox
from incoming_email.monitoring import health
from incoming_email.monitoring.health import round_trips
from incoming_email.pipeline import fetching, processing

EXIT_USAGE = 64
"""EX_USAGE of sysexits.h. 1 means that a check failed."""

_TERMINAL_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Command(BaseCommand):
    help = "Check every mailbox and the installation; exit status 1 if anything says no."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")
        parser.add_argument(
            "--fetch", action="store_true", help="first take in and process what waits now"
        )
        parser.add_argument(
            "--mailbox",
            default="",
            metavar="NAME",
            help="of the mailboxes only this one, enabled or not",
        )
        parser.add_argument(
            "--other-mailbox",
            default="",
            metavar="ADDRESS",
            help="Microsoft Graph: say no if the app can read this mailbox of somebody else",
        )
        parser.add_argument(
            "--round-trip",
            action="store_true",
            help="send a mail through the whole loop by each mailbox, and wait until it is back",
        )
        parser.add_argument(
            "--wait",
            type=int,
            default=round_trips.WAIT_SECONDS,
            metavar="SECONDS",
            help="so long for a round trip, by default %(default)s",
        )

    def handle(self, *args: object, **options: Any) -> None:
        name = options["mailbox"]
        trips: list[round_trips.Trip] = []
        try:
            _require_mailbox(name)
            if options["fetch"]:
                self._fetch(name, out=self.stderr if options["json"] else self.stdout)
            if options["round_trip"]:
                trips = round_trips.start(_asked_mailboxes(name), now=timezone.now())
        except (DatabaseError, InterfaceError) as error:  # the findings of the check explain it
            self.stderr.write(_("The database can't be used: %(error)s") % {"error": error})
        findings = health.diagnose(
            now=timezone.now(), only=name, other_mailbox=options["other_mailbox"]
        )
        if trips:
            came = round_trips.await_end(trips, seconds=options["wait"], clock=timezone.now)
            findings = round_trips.merge(findings, came)
        if options["json"]:
            self.stdout.write(_as_json(findings))
        else:
            self._write_text(findings, verbose=options["verbosity"] > 1)
        if _count(findings, Answer.NO):
            sys.exit(1)

    def _fetch(self, name: str, *, out: OutputWrapper) -> None:
        """Ingest what the mailboxes hold, then process what is due."""
        for mailbox in _fetched_mailboxes(name):
            out.write(_safe(f"{mailbox.name}: {_fetch_one(mailbox)}"))
        processing.give_up_exhausted(now=timezone.now())
        due = InboundEmail.objects.due(timezone.now()).order_by("next_attempt_at")
        if name:
            due = due.filter(mailbox__name=name)
        pks = list(due.values_list("pk", flat=True))
        with show_progress(_("waiting rows"), len(pks)) as show:
            done = processing.process_each(_counting(pks, show))
        text = ngettext("%(count)d waiting row processed", "%(count)d waiting rows processed", done)
        out.write(text % {"count": done})

    def _write_text(self, findings: Sequence[health.MailboxFinding], *, verbose: bool) -> None:
        for heading, lines in itertools.groupby(findings, _heading):
            self.stdout.write(self.style.MIGRATE_HEADING(_safe(heading)))
            for line in lines:
                self._write_line(line, verbose=verbose)
        self.stdout.write(self._summary(findings))

    def _write_line(self, line: health.MailboxFinding, *, verbose: bool) -> None:
        finding = line.finding
        styles = {
            Answer.YES: self.style.SUCCESS,
            Answer.NO: self.style.ERROR,
            Answer.WARN: self.style.WARNING,
            Answer.SKIPPED: self.style.NOTICE,
        }
        self.stdout.write(f"  {finding.step} … {styles[finding.answer](finding.answer)}")
        if verbose or finding.answer in {Answer.NO, Answer.WARN}:
            server = "" if line.mailbox else line.server
            for text in filter(None, (server, finding.detail, finding.remedy)):
                self.stdout.write(f"      {_safe(text)}")

    def _summary(self, findings: Sequence[health.MailboxFinding]) -> str:
        refused, warned = _count(findings, Answer.NO), _count(findings, Answer.WARN)
        if refused:
            text = ngettext(
                "%(count)d check failed. Follow the advice above and run this command again.",
                "%(count)d checks failed. Follow the advice above and run this command again.",
                refused,
            )
            return self.style.ERROR(text % {"count": refused})
        if warned:
            text = ngettext(
                "Incoming email is set up; %(count)d check warns.",
                "Incoming email is set up; %(count)d checks warn.",
                warned,
            )
            return self.style.WARNING(text % {"count": warned})
        return self.style.SUCCESS(_("Incoming email is set up correctly."))


def _require_mailbox(name: str) -> None:
    if not name or Mailbox.objects.filter(name=name).exists():
        return
    names = ", ".join(Mailbox.objects.order_by("name").values_list("name", flat=True)) or "–"
    text = _("There is no mailbox “%(name)s”. There are: %(names)s.")
    raise CommandError(text % {"name": name, "names": names}, returncode=EXIT_USAGE)


def _fetched_mailboxes(name: str) -> Iterable[Mailbox]:
    enabled = Mailbox.objects.fetched().order_by("name")
    return enabled.filter(name=name) if name else enabled


def _asked_mailboxes(name: str) -> Iterable[Mailbox]:
    asked = {"name": name} if name else {"enabled": True}
    return Mailbox.objects.filter(**asked).order_by("name")


def _fetch_one(mailbox: Mailbox) -> str:
    """The result of a reading, in a sentence."""
    holder = f"check {socket.gethostname()} {os.getpid()}"
    try:
        with show_progress(mailbox.name) as show:
            new = fetching.fetch(mailbox, holder=holder, on_progress=show)
    except InboxError as fault:
        return _("could not be read: %(detail)s") % {"detail": fault.detail}
    if new is None:
        return _("another process is reading it now, so nothing was done")
    text = ngettext("%(count)d new message", "%(count)d new messages", new)
    return text % {"count": new}


def _counting(pks: Sequence[int], show: Callable[[int], None]) -> Iterator[int]:
    for pk in pks:
        yield pk
        show(1)


def _count(findings: Sequence[health.MailboxFinding], answer: Answer) -> int:
    return sum(each.finding.answer is answer for each in findings)


def _heading(line: health.MailboxFinding) -> str:
    if not line.mailbox:
        return _("Installation")
    return f"{line.mailbox} ({line.inbox_method}, {line.server})"


def _as_json(findings: Sequence[health.MailboxFinding]) -> str:
    """The shape that people script against (SPEC, section 13)."""
    lines = [
        {
            "mailbox": each.mailbox,
            "inbox_method": each.inbox_method,
            "server": each.server,
            "step": each.finding.step,
            "answer": each.finding.answer.value,
            "detail": each.finding.detail,
            "remedy": each.finding.remedy,
        }
        for each in findings
    ]
    return json.dumps(
        {"ok": not _count(findings, Answer.NO), "findings": lines}, ensure_ascii=False
    )


def _safe(text: str) -> str:
    """A server's text must not contain control sequences for the terminal."""
    return _TERMINAL_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
