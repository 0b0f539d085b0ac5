"""One row of the ledger as its page shows it: facts, trace, and how the message is read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from incoming_email.admin.ledger_trace import Stage, draw_trace
from incoming_email.admin.redaction import Redactor
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.types import Attachment, Candidate, ParsedEmail
from incoming_email.pipeline.isolation.reading import parse_for_page
from incoming_email.templatetags.machine_words import in_words
from issues.models import note_address

MAX_SHOWN = 100_000
"""Characters of a text that a page shows; the rest is in the raw message."""


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    label: str
    text: str
    is_open: bool
    is_cut: bool


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content_type: str
    size: str


@dataclass(frozen=True, slots=True)
class LedgerPage:
    row: InboundEmail
    facts: tuple[Fact, ...]
    trace: tuple[Stage, ...]
    end: tuple[Fact, ...]
    """How the message ended, or what it waits for: the last stage of the trace."""

    is_unread: bool
    """The parser did not start: there is no reading, and no text."""

    defects: tuple[str, ...]
    reading: tuple[Fact, ...]
    texts: tuple[Text, ...]
    files: tuple[File, ...]


def describe(row: InboundEmail, redactor: Redactor) -> LedgerPage:
    """Parses the message again, so it shows how the present version reads it."""
    email = parse_for_page(bytes(row.raw), recipient=row.recipient) if row.raw else None
    facts = [*_facts(row), *_outcome(row), *_attempts(row)]
    return LedgerPage(
        row=row,
        facts=tuple(_redact(facts, redactor)),
        trace=_draw(row, email, redactor),
        end=tuple(_redact(_end(row), redactor)),
        is_unread=bool(row.raw) and email is None,
        defects=tuple(redactor.redact(str(defect)) for defect in row.defects),
        reading=tuple(_redact(_reading(email), redactor)) if email else (),
        texts=tuple(_texts(email, redactor)) if email else (),
        files=tuple(_show_file(file, redactor) for file in email.attachments) if email else (),
    )


def _redact(facts: Iterable[Fact], redactor: Redactor) -> Iterator[Fact]:
    return (Fact(each.label, redactor.redact(each.value), each.url) for each in facts if each.value)


def _draw(row: InboundEmail, email: ParsedEmail | None, redactor: Redactor) -> tuple[Stage, ...]:
    named = email.candidates if email else ()
    return draw_trace(
        row,
        [redactor.redact_step(step) for step in row.trace],
        [Candidate(each.header, redactor.redact(each.address)) for each in named],
    )


def _facts(row: InboundEmail) -> Iterator[Fact]:
    mailbox = reverse("admin:incoming_email_mailbox_change", args=[row.mailbox_id])
    yield Fact(_("Received"), _moment(row.received_at))
    yield Fact(_("Mailbox"), row.mailbox.name, mailbox)
    yield Fact(_("Envelope recipient"), row.recipient)
    yield Fact(_("Peer"), row.peer or "")
    if row.project is not None:
        project = reverse("admin:issues_project_change", args=[row.project.pk])
        yield Fact(_("Project"), row.project.path, project)
    yield Fact(_("Sender"), row.sender)
    yield Fact(_("Subject"), row.subject)
    yield Fact(_("Message-ID"), row.whole_message_id)
    if row.raw:
        yield Fact(_("Size"), filesizeformat(len(row.raw)))
    if row.raw_purged_at is not None:
        yield Fact(_("Raw message removed"), _moment(row.raw_purged_at))
    if row.trace_purged_at is not None:
        yield Fact(_("Trace removed"), _moment(row.trace_purged_at))
    if row.oversize:
        yield Fact(_("Stored"), _("Only the header: the message is larger than the limit."))
    yield Fact(_("SHA-256"), row.digest)
    yield Fact(_("Source id"), row.source_id)


def _outcome(row: InboundEmail) -> Iterator[Fact]:
    if row.reason:
        known = row.reason in Reason.values
        yield Fact(_("Reason"), str(Reason(row.reason).label) if known else row.reason)
    yield Fact(_("Handler"), row.handler)
    yield Fact(_("Outcome"), row.outcome, _item_url(row))
    yield Fact(_("Held by rule"), row.held_rule)
    yield Fact(_("Waived rules"), ", ".join(map(str, row.waived_rules)))
    if row.duplicate_of_id is not None:
        first = reverse("admin:incoming_email_inboundemail_change", args=[row.duplicate_of_id])
        yield Fact(_("Duplicate of"), f"{_('inbound email')} {row.duplicate_of_id}", first)


def _attempts(row: InboundEmail) -> Iterator[Fact]:
    yield Fact(_("Attempts"), str(row.attempts))
    yield Fact(_("Last attempt by version"), row.version or "")
    if row.status == Status.PENDING or row.reason == Reason.UNREADABLE_ON_SERVER:
        yield Fact(_("Next attempt"), _moment(row.next_attempt_at))
    if row.finished_at is not None:
        yield Fact(_("Finished"), _moment(row.finished_at))
    yield Fact(_("Last error"), row.last_error)


def _end(row: InboundEmail) -> Iterator[Fact]:
    yield from _outcome(row)
    if row.status == Status.PENDING and row.attempts:
        yield Fact(_("Next attempt"), _moment(row.next_attempt_at))
    yield Fact(_("Last error"), row.last_error)


def _item_url(row: InboundEmail) -> str:
    item = row.issue or row.merge_request
    if item is None:
        return ""
    page = "issue-detail" if row.issue is not None else "merge-request-detail"
    address = reverse(page, args=[item.project.path, item.iid])
    return address if row.note_id is None else note_address(address, row.note_id)


def _reading(email: ParsedEmail) -> Iterator[Fact]:
    has_name = bool(email.sender_name and email.sender)
    sender = f"{email.sender_name} <{email.sender}>" if has_name else email.sender
    yield Fact(_("From"), sender or email.sender_name)
    yield Fact(_("Reply-To"), email.reply_to)
    yield Fact(_("Subject"), email.subject)
    yield Fact(_("Date"), _moment(email.date) if email.date else "")
    yield Fact(_("Kind"), " – ".join(filter(None, [in_words(email.kind.value), email.kind_reason])))
    if email.forwarded:
        author = f"{email.forwarded.name} <{email.forwarded.address}>"
        date = _moment(email.forwarded.date) if email.forwarded.date else ""
        parts = (author, date, email.forwarded.subject)
        yield Fact(_("Forwarded"), " · ".join(filter(None, parts)))
    yield Fact(_("In-Reply-To"), " ".join(email.in_reply_to))
    yield Fact(_("References"), " ".join(email.references))
    yield Fact(_("Authentication"), " · ".join(email.stamps.results))
    yield Fact(_("Defects"), " · ".join(email.defects))


def _texts(email: ParsedEmail, redactor: Redactor) -> Iterator[Text]:
    shown = ((_("Reply"), email.reply), (_("Quoted part"), email.quoted), (_("Text"), email.text))
    for at, (label, text) in enumerate(shown):
        if text:
            # First redacted, then cut: half a key would not be known as one.
            cut = redactor.redact(text[: MAX_SHOWN + 1000])[:MAX_SHOWN]
            yield Text(label, cut, is_open=at == 0, is_cut=len(text) > MAX_SHOWN)


def _show_file(file: Attachment, redactor: Redactor) -> File:
    return File(redactor.redact(file.filename), file.content_type, filesizeformat(file.size))


def _moment(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return formats.date_format(local, "DATETIME_FORMAT") + local.strftime(" (%H:%M:%S %Z)")
