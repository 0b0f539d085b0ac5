"""The core on PostgreSQL: the same tests as on SQLite, races included; and what a pool of
transactions could break."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.pgbouncer import running_pgbouncer
from tests.servers.postgresql import environment_with, running_postgresql

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = [
    "tests/incoming_email/pipeline/test_races.py",
    "tests/incoming_email/pipeline/test_patch_races.py",
    "tests/incoming_email/pipeline/test_processing.py",
    "tests/incoming_email/pipeline/test_processing_groups.py",
    "tests/incoming_email/pipeline/test_faults_before_attempts.py",
    "tests/incoming_email/pipeline/test_receiving.py",
    "tests/incoming_email/pipeline/test_reviewing.py",
    "tests/incoming_email/pipeline/test_query_count.py",
    "tests/incoming_email/pipeline/test_limiting.py",
    "tests/incoming_email/monitoring/alerting",
    "tests/incoming_email/monitoring/figures",
    "tests/incoming_email/admin/test_dashboard.py",
    "tests/incoming_email/monitoring/test_pages.py",
    "tests/incoming_email/monitoring/health/test_clocks.py",
    "tests/incoming_email/monitoring/health/test_clocks.py",
    "tests/incoming_email/monitoring/probes/test_loop.py",
    "tests/incoming_email/monitoring/probes/test_schedule.py",
    "tests/incoming_email/pipeline/test_database_cut.py",
    "tests/config/test_read_only_database.py",
    "tests/issues/test_connections.py",
    "tests/issues/test_outbox_delivery.py",
    "tests/issues/test_services.py",
    "tests/issues/test_services_discussions.py",
    "tests/issues/test_notifications.py",
    "tests/issues/test_outbox.py",
    "tests/servicedesk/test_internal_discussions.py",
    "tests/servicedesk/test_limiting.py",
    "tests/servicedesk/test_quick_actions.py",
    "tests/servicedesk/test_ticket_pages.py",
]


POOLED = [
    "tests/incoming_email/pipeline/test_races.py",
    "tests/incoming_email/pipeline/test_processing.py",
    "tests/incoming_email/pipeline/test_receiving.py",
    "tests/incoming_email/admin/test_ledger_actions.py",
    "tests/issues/test_outbox_delivery.py",
    "tests/issues/test_outbox.py",
    "tests/servicedesk/test_limiting.py",
]
"""Claims and leases by SELECT … FOR UPDATE, SKIP LOCKED too, and reading by chunks."""

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(3600)]


def run(url, *tests):
    return subprocess.run(
        # The server goes with the test; a pooler would keep the database from being dropped.
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--reuse-db", *tests],
        cwd=ROOT,
        env=environment_with(url),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_core_works_on_postgresql():
    with running_postgresql() as url:
        result = run(url, *CORE)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]


def test_claims_hold_in_a_pool_of_transactions():
    with running_postgresql() as url, running_pgbouncer(url) as pooler:
        result = run(pooler, *POOLED)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
