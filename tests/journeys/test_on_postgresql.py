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
    "tests/incoming_email/models/test_hour_triggers.py",
    "tests/incoming_email/models/test_ledger_search.py",
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
    "tests/servicedesk/test_attacks.py::test_an_address_that_looks_like_a_participants_is_a_strangers",
    "tests/servicedesk/test_attacks.py::test_a_key_of_somebody_who_looks_alike_is_not_theirs",
    "tests/servicedesk/test_erasing.py::test_who_looks_alike_stays",
    "tests/servicedesk/test_internal_discussions.py",
    "tests/servicedesk/test_limiting.py",
    "tests/servicedesk/test_merging.py",
    "tests/servicedesk/test_moving.py",
    "tests/servicedesk/test_quick_actions.py",
    "tests/servicedesk/test_spam.py",
    "tests/servicedesk/test_ticket_pages.py",
]


POOLED = [
    "tests/incoming_email/pipeline/test_races.py",
    "tests/incoming_email/pipeline/test_processing.py",
    "tests/incoming_email/pipeline/test_receiving.py",
    "tests/issues/test_outbox_delivery.py",
    "tests/issues/test_outbox.py",
    "tests/servicedesk/test_limiting.py",
]
"""Claims and leases, by SELECT … FOR UPDATE with and without SKIP LOCKED."""

CHUNKS = """
from django.contrib.contenttypes.models import ContentType
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS django_content_type AS"
                   " SELECT n AS id, 'a' AS app_label, 'b' AS model FROM generate_series(1, 9) n")
other = connection.copy()
other.set_autocommit(False)
other.cursor().execute("SELECT 1")  # it has one connection of the pool, and we another
rows = ContentType.objects.order_by("pk").iterator(chunk_size=2)
next(rows)
other.rollback()
print(1 + len(list(rows)))
"""

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


def read_in_chunks(url):
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", CHUNKS]
    # Without the development mode of `make test`, which warns of the connection at the end.
    changed = {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONDEVMODE": ""}
    environment = environment_with(url) | changed
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_reading_in_chunks_needs_the_option_in_a_pool_of_transactions():
    with running_postgresql() as url, running_pgbouncer(url) as pooler:
        assert read_in_chunks(pooler) == "9\n"
        assert "does not exist" in read_in_chunks(pooler.partition("?")[0])
