"""A column of the ledger has one row in a table: page, CSV, retention and erasing agree with it."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import models
from django.test.utils import isolate_apps
from django.utils import timezone

from incoming_email import checks
from incoming_email.admin import ledger_export, ledger_list, ledger_trying
from incoming_email.admin.ledger import InboundEmailAdmin
from incoming_email.admin.ledger_page import describe
from incoming_email.admin.redaction import Redactor
from incoming_email.models import (
    LEDGER_COLUMNS,
    InboundEmail,
    Kept,
    Mailbox,
    MessageContent,
    ledger_columns,
)
from incoming_email.models.ledger_columns import Column, Personal, Writer
from incoming_email.outcomes import Reason, Status
from incoming_email.pipeline import attempts
from incoming_email.pipeline.attempts import End
from incoming_email.upkeep import erasing, purging
from issues.models import Issue, MergeRequest, Note, Project
from tests.factories import IssueFactory, MergeRequestFactory, NoteFactory, ProjectFactory
from tests.incoming_email.admin.ledger_rows import ended
from tests.incoming_email.factories import (
    InboundEmailFactory,
    MailboxFactory,
    MessageContentFactory,
)

NOW = timezone.now()
ADDRESS = "ada@example.com"
FIELDS = {field.name: field for field in InboundEmail._meta.concrete_fields}
OF_EFFECT = {"handler", "outcome", "effect_key"}
"""Only a row that acted has them."""

FACTORIES = {
    Mailbox: MailboxFactory,
    InboundEmail: InboundEmailFactory,
    MessageContent: MessageContentFactory,
    Project: ProjectFactory,
    Issue: IssueFactory,
    MergeRequest: MergeRequestFactory,
    Note: NoteFactory,
}


def planted(field):
    """A value with the address in it, of a column that can hold one."""
    match field:
        case models.JSONField():
            return [{"step": "address", "result": ADDRESS}]
        case models.BinaryField():
            return f"To: {ADDRESS}\r\n\r\nHello".encode()
    return ADDRESS


HOLDS_TEXT = [
    name
    for name, field in FIELDS.items()
    if isinstance(
        field, models.CharField | models.TextField | models.JSONField | models.BinaryField
    )
    and not field.choices
]


def change(monkeypatch, name, **values):
    """The table as if this row said something else."""
    table = tuple(replace(c, **values) if c.name == name else c for c in LEDGER_COLUMNS)
    for module in (erasing, purging, ledger_export, ledger_trying):
        monkeypatch.setattr(module, "LEDGER_COLUMNS", table)


def test_every_column_has_one_row():
    assert sorted(column.name for column in LEDGER_COLUMNS) == sorted(FIELDS)


@isolate_apps()
def test_a_column_without_a_row_is_an_error_that_says_where(monkeypatch):
    class Grown(models.Model):  # noqa: DJ008
        sender = models.CharField(max_length=254)
        trial = models.CharField(max_length=254)

        class Meta:
            app_label = "incoming_email"

    assert checks.check_ledger_columns(app_configs=None) == []
    monkeypatch.setattr(checks, "InboundEmail", Grown)
    (error,) = checks.check_ledger_columns(app_configs=None)
    assert (error.id, error.msg) == (
        "incoming_email.E011",
        "Nothing says what is done with the column trial of the ledger.",
    )
    assert "incoming_email.models.ledger_columns.LEDGER_COLUMNS" in error.hint


def test_a_row_must_say_what_matters():
    with pytest.raises(TypeError, match="personal"):
        Column("trial", Writer.END, is_shown=True)
    with pytest.raises(TypeError, match="is_shown"):
        Column("trial", Writer.END, Personal.NO)


def test_an_attempt_sets_the_columns_that_it_should():
    written = attempts._columns(InboundEmail(), End(Status.PROCESSED), NOW)
    by_end = {
        FIELDS[column.name].attname for column in LEDGER_COLUMNS if column.writer is Writer.END
    }
    assert set(written) == by_end, "give End the field, or the column another writer"
    assert {field.name for field in fields(End)} - {"until"} <= by_end


def erased_columns(sender):
    """Those that held the address and hold it no more, in a row of this sender."""
    gone = set()
    for name in HOLDS_TEXT:
        status = Status.PROCESSED if name in OF_EFFECT else Status.REJECTED
        row = ended(status, sender=sender)
        if name != "sender":
            InboundEmail.objects.filter(pk=row.pk).update(**{name: planted(FIELDS[name])})
        held = holds_address(row, name)
        erasing.erase(erasing.find_person(ADDRESS), by=None, now=NOW)
        if held and not holds_address(row, name):
            gone.add(name)
        row.delete()
    return gone


def holds_address(row, name):
    value = InboundEmail.objects.values_list(name, flat=True).get(pk=row.pk)
    return ADDRESS in (bytes(value).decode() if name == "own_raw" else str(value))


@pytest.mark.django_db
def test_an_erasing_takes_what_the_table_calls_personal(monkeypatch):
    personal = {c.name for c in LEDGER_COLUMNS if c.personal is not Personal.NO}
    personal -= {"content", "peer"}  # hold no text
    assert erased_columns(ADDRESS) == personal
    change(monkeypatch, "subject", personal=Personal.NO)
    assert erased_columns(ADDRESS) == personal - {"subject"}


@pytest.mark.django_db
def test_an_erasing_takes_the_peer_of_the_persons_messages():
    rows = [ended(Status.REJECTED, sender=sender) for sender in (ADDRESS, "eve@example.net")]
    InboundEmail.objects.update(peer="192.0.2.7")
    erasing.erase(erasing.find_person(ADDRESS), by=None, now=NOW)
    peers = dict(InboundEmail.objects.values_list("pk", "peer"))
    assert [peers[row.pk] for row in rows] == [None, "192.0.2.7"]


@pytest.mark.django_db
def test_an_erasing_takes_the_name_out_of_messages_of_others(monkeypatch):
    of_anybody = {c.name for c in LEDGER_COLUMNS if c.personal is Personal.OF_ANYBODY}
    assert erased_columns("bob@example.com") == of_anybody
    change(monkeypatch, "defects", personal=Personal.OF_SENDER)
    assert erased_columns("bob@example.com") == of_anybody - {"defects"}


def purged_columns(kept):
    """Those that this retention empties."""
    full = {name: planted(FIELDS[name]) for name in HOLDS_TEXT if name not in OF_EFFECT}
    full["content"] = MessageContentFactory().pk
    row = ended(Status.REJECTED, reason=Reason.EMPTY)
    InboundEmail.objects.filter(pk=row.pk).update(**full)
    wanted = purging.Wanted(kinds=[kept], days=1)
    list(purging.purge(wanted, now=row.received_at + timedelta(days=2)))
    left = InboundEmail.objects.values(*full).get(pk=row.pk)
    return {name for name, value in left.items() if not value}


@pytest.mark.django_db
def test_a_retention_empties_what_the_table_says(monkeypatch):
    for kept in (Kept.RAW, Kept.TRACE):
        assert purged_columns(kept) == {c.name for c in LEDGER_COLUMNS if c.kept == kept}
    change(monkeypatch, "subject", kept=Kept.TRACE)
    assert "subject" in purged_columns(Kept.TRACE)


@pytest.mark.parametrize("kept", Kept)
def test_every_retention_has_days_and_something_to_remove(kept):
    assert kept in purging._PURGERS
    assert getattr(settings, f"KEEP_{kept.name}_DAYS") == 0
    assert Mailbox(**{f"keep_{kept}_days": 5}).keep_days(kept) == 5


def another(name, row):
    """A value that the row does not have."""
    match FIELDS[name]:
        case models.ForeignKey(related_model=model):
            value = FACTORIES[model]()
        case models.DateTimeField():
            value = NOW + timedelta(days=9)
        case models.BooleanField():
            value = not getattr(row, name)
        case models.IntegerField():
            value = (getattr(row, name) or 0) + 7
        case models.CharField(choices=[_, *_] as choices):
            value = next(value for value, _label in choices if value != getattr(row, name))
        case field:
            value = planted(field)
    return value


def shown_columns():
    """Those whose change changes what the page says."""
    redactor, found = Redactor(()), set()
    for name in FIELDS:
        row = InboundEmailFactory(status=Status.PENDING, outcome="", received_at=NOW)
        row.outcome, row.duplicate_of = "issue acme/shop#1", None
        if name == "note":
            row.issue = IssueFactory()
        before = describe(row, redactor)
        setattr(row, name, another(name, row))
        after = describe(row, redactor)
        parts = ("facts", "trace", "end", "defects", "reading", "texts")
        if any(getattr(before, part) != getattr(after, part) for part in parts):
            found.add(name)
    return found


@pytest.mark.django_db
def test_the_page_shows_what_the_table_says():
    told = {column.name for column in LEDGER_COLUMNS if column.is_shown}
    assert shown_columns() == told, "add a Fact to admin/ledger_page.py, or is_shown=False"


@pytest.mark.django_db
def test_the_csv_and_the_comparison_follow_the_table(monkeypatch):
    head = b"".join(ledger_export.export_rows(InboundEmail.objects.all())).decode("utf-8-sig")
    assert head.strip().split(",") == [c.exported for c in LEDGER_COLUMNS if c.exported]
    row, fresh = InboundEmail(held_rule="sender_mismatch"), InboundEmail()
    assert ledger_trying.compare(row, fresh, Redactor(())) == ()
    change(monkeypatch, "held_rule", is_compared=True)
    (difference,) = ledger_trying.compare(row, fresh, Redactor(()))
    assert (difference.label, difference.before) == ("Held by rule", "sender_mismatch")


def test_the_list_reads_what_it_shows_and_cuts_keys_in_every_text():
    shown = {name for name in InboundEmailAdmin.list_display if name in FIELDS}
    assert shown - {name.partition("__")[0] for name in ledger_list.COLUMNS} == set()
    texts = {name for name in shown if name in HOLDS_TEXT}
    assert texts - set(ledger_list.REDACTED) == set()
    assert {"sender", "subject"} <= texts


def test_the_table_is_complete_for_the_values_that_are_emptied():
    emptied = ledger_columns.find_emptied(LEDGER_COLUMNS)
    assert (emptied["own_raw"], emptied["trace"], emptied["subject"]) == (b"", [], "")
