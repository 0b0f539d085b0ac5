"""Rows of the ledger in each of its states."""

from datetime import UTC, datetime

from incoming_email.outcomes import Reason, Status
from tests.incoming_email.factories import (
    InboundEmailFactory,
)

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


def ended(status, **fields):
    """A row that ended so (or is held), with what its constraints ask for."""
    values = {
        Status.PENDING: {},
        Status.PROCESSED: {"handler": "note", "outcome": "note 1 on issue acme/shop#1"},
        Status.REJECTED: {"reason": Reason.UNKNOWN_ADDRESS},
        Status.IGNORED: {"reason": Reason.AUTOMATIC},
        Status.HELD: {"reason": Reason.SENDER_MISMATCH, "held_rule": "sender_mismatch"},
        Status.FAILED: {"attempts": 5, "last_error": "ValueError: too bad"},
    }[status]
    finished = None if status in {Status.PENDING, Status.HELD} else NOW
    return InboundEmailFactory(status=status, finished_at=finished, **(values | fields))
