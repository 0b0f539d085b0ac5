"""One attempt at a message: what is known for it, how it ended, and the only code that writes ends
into the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import connection

from incoming_email.handlers.base import Context
from incoming_email.models import InboundEmail
from incoming_email.outcomes import Reason, Status
from incoming_email.parsing.types import ParsedEmail

Step = dict[str, str]
"""One line of the trace; secrets in it are cut to their first four characters."""


_FIELDS: dict[str, Any] = {field.attname: field for field in InboundEmail._meta.concrete_fields}


class NotPendingError(Exception):
    """Another worker has ended or claimed the row: nothing may be done to it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed row and its message. Nothing of the pipeline changes the row before its end."""

    row: InboundEmail
    email: ParsedEmail
    context: Context
    sender: str
    """As the ledger stores it, and as limits are counted by."""


@dataclass(frozen=True, slots=True)
class End:
    """All columns that say how a row ended, or what it waits for. The fields are columns of
    InboundEmail, except `until`."""

    status: Status
    reason: Reason | None = None
    message_id: str = ""
    long_message_id: str | None = None
    sender: str = ""
    subject: str = ""
    defects: tuple[str, ...] = ()
    trace: tuple[Step, ...] = ()
    project_id: int | None = None
    token_digest: str | None = None
    counted_at: datetime | None = None
    handler: str = ""
    outcome: str = ""
    key_digest: str = ""
    effect_key: str | None = None
    issue_id: int | None = None
    merge_request_id: int | None = None
    note_id: int | None = None
    held_rule: str = ""
    duplicate_of_id: int | None = None
    until: datetime | None = None
    """With PENDING: when the next attempt may start. This one does not count."""


_END_FIELDS = [field.name for field in fields(End)]


def fill(row: InboundEmail, end: End, *, now: datetime) -> None:
    """Set the columns of a row that is shown and never stored."""
    for name, value in _columns(row, end, now).items():
        setattr(row, name, value)


def lock(rows: Sequence[InboundEmail]) -> None:
    """Hold the rows until commit. Raises NotPendingError where another worker has ended or claimed
    one of them."""
    ours = dict(map(attrgetter("pk", "attempts"), rows))
    locked = InboundEmail.objects.select_for_update().filter(pk__in=ours, status=Status.PENDING)
    if dict(locked.order_by("pk").values_list("pk", "attempts")) != ours:
        raise NotPendingError


def write_ends(ends: Sequence[tuple[InboundEmail, End]], *, now: datetime) -> None:
    """Write the ends of rows that `lock` holds: one statement each, which psycopg sends as one
    pipeline, so that many cost one round trip."""
    quote = connection.ops.quote_name
    names, rows = list[str](), list[list[Any]]()
    for row, end in ends:
        values = _columns(row, end, now)
        names = list(values)
        rows.append([_FIELDS[n].get_db_prep_save(values[n], connection) for n in names] + [row.pk])
    assignments = ", ".join([f"{quote(_FIELDS[name].column)} = %s" for name in names])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(InboundEmail._meta.db_table)} SET {assignments} WHERE id = %s",  # noqa: S608
            rows,
        )


def _columns(row: InboundEmail, end: End, now: datetime) -> dict[str, Any]:
    """By attribute name of InboundEmail."""
    values = dict(zip(_END_FIELDS, attrgetter(*_END_FIELDS)(end), strict=True))
    until = values.pop("until")
    is_open = end.status in {Status.PENDING, Status.HELD}
    return values | {
        "reason": end.reason or "",
        "trace": list(end.trace),
        "defects": list(end.defects),
        "finished_at": None if is_open else now,
        "attempts": row.attempts - 1 if until else row.attempts,
        "next_attempt_at": until or row.next_attempt_at,
        "last_error": "" if until else row.last_error,
    }
