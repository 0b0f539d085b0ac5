"""Metrics for Prometheus, computed from the database when asked: every process returns the same."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from incoming_email.limits import answer_budget
from incoming_email.models import BAD_STATES, InboundEmail, Mailbox
from incoming_email.monitoring import figures, probes
from incoming_email.outcomes import Status
from issues.models import OutgoingState

LAST_HOUR = timedelta(hours=1)


def write_metrics(*, now: datetime) -> bytes:
    """In the text format of Prometheus. A constant number of queries, each answered by an index."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LetterboxCollector(now))
    return generate_latest(registry)


class LetterboxCollector(Collector):
    def __init__(self, now: datetime) -> None:
        self.now = now

    def describe(self) -> list[Metric]:
        """Empty: otherwise registering would query the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        mailboxes = list(
            Mailbox.objects.filter(enabled=True)
            .order_by("name")
            .only("name", "failing_since", "last_success_at")
        )
        yield from _collect_ledger()
        yield from _collect_stages(self.now)
        yield from _collect_mailboxes(mailboxes)
        yield from _collect_probes()
        yield from _collect_budget(mailboxes, self.now)
        seen = GaugeMetricFamily(
            "letterbox_heartbeat_timestamp_seconds",
            "When a process was last seen alive.",
            labels=["process"],
        )
        for name, moment in figures.find_heartbeats().items():
            seen.add_metric([name], moment.timestamp())
        yield seen


def _collect_ledger() -> Iterator[Metric]:
    counts = figures.count_by_status()
    received = CounterMetricFamily(
        "letterbox_inbound_emails_received", "Messages that were ever stored."
    )
    received.add_metric([], sum(counts.values()))
    yield received
    rows = GaugeMetricFamily(
        "letterbox_inbound_emails", "Messages by their status now.", labels=["status"]
    )
    for status in Status:
        rows.add_metric([status.value], counts[status])
    yield rows
    spam = GaugeMetricFamily("letterbox_held_spam", "Of the held messages, those that are spam.")
    spam.add_metric([], InboundEmail.objects.held_spam().count())
    yield spam
    outgoing = GaugeMetricFamily(
        "letterbox_outgoing_emails", "Outgoing mails by their state now.", labels=["state"]
    )
    states = figures.count_outgoing()
    for state in OutgoingState:
        outgoing.add_metric([state.value], states[state])
    yield outgoing


def _collect_stages(now: datetime) -> Iterator[Metric]:
    """A stage is where a message, or what follows from it, waits for the next step."""
    stages = figures.find_stages()
    waiting = GaugeMetricFamily(
        "letterbox_stage_waiting", "What waits for this stage.", labels=["stage"]
    )
    oldest = GaugeMetricFamily(
        "letterbox_stage_oldest_seconds",
        "How long the oldest of it has waited; 0 where nothing does.",
        labels=["stage"],
    )
    for stage in stages:
        waiting.add_metric([stage.name], stage.waiting)
        age = (now - stage.oldest).total_seconds() if stage.oldest else 0
        oldest.add_metric([stage.name], max(age, 0))
    yield waiting
    yield oldest
    took = GaugeMetricFamily(
        "letterbox_inbound_email_seconds",
        "From received to finished, of what came in during the last hour, rounded down.",
        labels=["quantile"],
    )
    times = figures.find_times(now - LAST_HOUR)
    for quantile, seconds in (("0.5", times.median), ("0.95", times.slowest)):
        if seconds is not None:
            took.add_metric([quantile], seconds)
    yield took


def _collect_mailboxes(mailboxes: list[Mailbox]) -> Iterator[Metric]:
    failing = GaugeMetricFamily(
        "letterbox_mailbox_failing", "1 while an enabled mailbox fails.", labels=["mailbox"]
    )
    success = GaugeMetricFamily(
        "letterbox_mailbox_last_success_timestamp_seconds",
        "When an enabled mailbox was last read.",
        labels=["mailbox"],
    )
    for mailbox in mailboxes:
        failing.add_metric([mailbox.name], int(mailbox.failing_since is not None))
        if mailbox.last_success_at:
            success.add_metric([mailbox.name], mailbox.last_success_at.timestamp())
    yield failing
    yield success


def _collect_probes() -> Iterator[Metric]:
    """For each mailbox with scheduled probes, the newest that is back or late."""
    failing = GaugeMetricFamily(
        "letterbox_probe_failing",
        "1 while probes by a mailbox are late or do not come back.",
        labels=["mailbox"],
    )
    took = GaugeMetricFamily(
        "letterbox_probe_seconds",
        "How long the last probe was on its way; without a value while it is not back.",
        labels=["mailbox"],
    )
    written = GaugeMetricFamily(
        "letterbox_probe_timestamp_seconds", "When it was written.", labels=["mailbox"]
    )
    for probe in probes.find_newest().values():
        name = probe.mailbox.name
        failing.add_metric([name], int(probe.state in BAD_STATES))
        written.add_metric([name], probe.created_at.timestamp())
        if probe.took is not None:
            took.add_metric([name], probe.took.total_seconds())
    yield failing
    yield took
    yield written


def _collect_budget(mailboxes: list[Mailbox], now: datetime) -> Iterator[Metric]:
    spent = answer_budget.find_spent(now=now)
    answers = GaugeMetricFamily(
        "letterbox_automatic_answers",
        "Automatic answers of the last 24 hours to mail of an enabled mailbox.",
        labels=["mailbox"],
    )
    for mailbox in mailboxes:
        answers.add_metric([mailbox.name], spent.mailboxes.get(mailbox.pk, 0))
    yield answers
    limit = GaugeMetricFamily(
        "letterbox_automatic_answers_limit", "Of a mailbox in 24 hours; 0 is none."
    )
    limit.add_metric([], settings.NOTICE_MAILBOX_LIMIT_PER_DAY)
    yield limit
