"""What is done with each column of the ledger: page, export, retention and erasing read it here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from django.db.models import Model

from incoming_email.models.ledger import InboundEmail
from incoming_email.models.retention import Kept


class Personal(Enum):
    """What an erasing does to a column."""

    NO = auto()
    """It stays: ours, or what makes a message act once."""

    OF_SENDER = auto()
    """Emptied where the erased person sent the message."""

    OF_ANYBODY = auto()
    """The same, and the person is taken out of it in messages of others."""


class Writer(Enum):
    """What sets a column."""

    ARRIVAL = auto()
    END = auto()
    """Each attempt sets it anew, as the field of `pipeline.attempts.End` says."""

    OTHER = auto()
    """A claim, a person, or the upkeep."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    writer: Writer
    personal: Personal
    is_shown: bool
    """On the page of the row, in whatever form."""

    exported: str = ""
    """Heading and path in the CSV; empty where it is not there."""

    is_compared: bool = False
    """Whoever asks what another attempt would change is told of it."""

    kept: Kept | None = None
    """The retention that empties it."""


_ARRIVAL, _END, _OTHER = Writer.ARRIVAL, Writer.END, Writer.OTHER
_NO, _OF_SENDER, _OF_ANYBODY = Personal.NO, Personal.OF_SENDER, Personal.OF_ANYBODY

LEDGER_COLUMNS = (
    Column("id", _ARRIVAL, _NO, is_shown=False, exported="id"),
    Column("received_at", _ARRIVAL, _NO, is_shown=True, exported="received_at"),
    Column("finished_at", _END, _NO, is_shown=True, exported="finished_at"),
    Column("mailbox", _ARRIVAL, _NO, is_shown=True, exported="mailbox__name"),
    Column("status", _END, _NO, is_shown=True, exported="status", is_compared=True),
    Column("reason", _END, _NO, is_shown=True, exported="reason", is_compared=True),
    Column("sender", _END, _OF_SENDER, is_shown=True, exported="sender", is_compared=True),
    Column("subject", _END, _OF_SENDER, is_shown=True, exported="subject", is_compared=True),
    Column("message_id", _END, _NO, is_shown=True, exported="message_id"),
    Column("long_message_id", _END, _NO, is_shown=True),
    Column("handler", _END, _NO, is_shown=True, exported="handler", is_compared=True),
    Column("outcome", _END, _NO, is_shown=True, exported="outcome", is_compared=True),
    Column("attempts", _END, _NO, is_shown=True, exported="attempts"),
    Column("project", _END, _NO, is_shown=True, is_compared=True),
    Column("last_error", _END, _OF_ANYBODY, is_shown=True, is_compared=True, kept=Kept.TRACE),
    Column("trace", _END, _OF_ANYBODY, is_shown=True, kept=Kept.TRACE),
    Column("defects", _END, _OF_ANYBODY, is_shown=True, kept=Kept.TRACE),
    Column("content", _ARRIVAL, _OF_SENDER, is_shown=True, kept=Kept.RAW),
    Column("own_raw", _ARRIVAL, _OF_SENDER, is_shown=True, kept=Kept.RAW),
    Column("source_id", _ARRIVAL, _NO, is_shown=True),
    Column("recipient", _ARRIVAL, _NO, is_shown=True),
    Column("peer", _ARRIVAL, _OF_SENDER, is_shown=True),
    Column("oversize", _ARRIVAL, _NO, is_shown=True),
    Column("digest", _ARRIVAL, _NO, is_shown=True),
    Column("next_attempt_at", _END, _NO, is_shown=True),
    Column("version", _OTHER, _NO, is_shown=True),
    Column("raw_purged_at", _OTHER, _NO, is_shown=True),
    Column("trace_purged_at", _OTHER, _NO, is_shown=True),
    Column("held_rule", _END, _NO, is_shown=True),
    Column("waived_rules", _OTHER, _NO, is_shown=True),
    Column("duplicate_of", _END, _NO, is_shown=True),
    Column("issue", _END, _NO, is_shown=True),
    Column("merge_request", _END, _NO, is_shown=True),
    Column("note", _END, _NO, is_shown=True),
    Column("key_digest", _END, _NO, is_shown=False),
    Column("effect_key", _END, _NO, is_shown=False),
    Column("token_digest", _END, _NO, is_shown=False),
    Column("counted_at", _END, _NO, is_shown=False),
)
"""Every column, the exported ones in the order of the CSV."""


def find_emptied(columns: Iterable[Column]) -> dict[str, object]:
    """The empty values of these columns, by their names."""
    names = {column.name for column in columns}
    fields = InboundEmail._meta.concrete_fields
    return {field.name: field.get_default() for field in fields if field.name in names}


def find_undeclared(model: type[Model]) -> Iterator[str]:
    """Columns of the ledger's model that have no row in the table."""
    declared = {each.name for each in LEDGER_COLUMNS}
    return (field.name for field in model._meta.concrete_fields if field.name not in declared)
