"""Counts over the ledger and the outbox, for the dashboard and for metrics. Reads only."""

from incoming_email.figures.over_time import PERIODS, Activity, Bucket, Period, find_activity
from incoming_email.figures.standing import (
    Standing,
    find_oldest_pending,
    find_received,
    find_standing,
)

__all__ = [
    "PERIODS",
    "Activity",
    "Bucket",
    "Period",
    "Standing",
    "find_activity",
    "find_oldest_pending",
    "find_received",
    "find_standing",
]
