"""Statistics over the ledger and the outbox, for the dashboard and for metrics."""

from incoming_email.monitoring.figures.by_hour import sum_changed_hours
from incoming_email.monitoring.figures.over_time import (
    PERIODS,
    Activity,
    Bucket,
    Period,
    find_activity,
    find_times,
)
from incoming_email.monitoring.figures.stages import (
    Stage,
    count_by_status,
    count_outgoing,
    find_stages,
)
from incoming_email.monitoring.figures.standing import (
    CurrentCounts,
    Overdue,
    count_current,
    find_heartbeats,
    find_oldest_pending,
    find_overdue,
)

__all__ = [
    "PERIODS",
    "Activity",
    "Bucket",
    "CurrentCounts",
    "Overdue",
    "Period",
    "Stage",
    "count_by_status",
    "count_current",
    "count_outgoing",
    "find_activity",
    "find_heartbeats",
    "find_oldest_pending",
    "find_overdue",
    "find_stages",
    "find_times",
    "sum_changed_hours",
]
