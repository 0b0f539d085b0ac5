"""What every test has: the servers' fixtures, and property tests that CI can repeat."""

import os
import uuid

import pytest
from django.conf import settings as django_settings
from hypothesis import HealthCheck, settings

from incoming_email.monitoring.health import keeping
from incoming_email.pipeline.isolation import reading
from incoming_email.pipeline.isolation.process import ParserPool
from tests.depth import DEPTH
from tests.waiting import PATIENCE_SECONDS

pytest_plugins = [
    "tests.garbage",
    "tests.migrated",
    "tests.servers.fixtures",
    "tests.servers.marking",
    "tests.resetting",
    "tests.summary",
]

# On a busy machine an example may take long, and its data, too.
settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 * DEPTH,
)
# A new counter-example is welcome at a desk; CI must say the same of the same commit.
settings.register_profile("repeatable", settings.get_profile("patient"), derandomize=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "patient")
# Of the SMTP servers in tests; five seconds otherwise.
os.environ.setdefault("AIOSMTPD_CONTROLLER_TIMEOUT", str(PATIENCE_SECONDS))


@pytest.fixture(autouse=True)
def repositories_root(settings):
    """Ids of projects come again after a rollback; repositories of another test must not."""
    settings.REPOSITORIES_ROOT = django_settings.DATA_DIR / "repositories" / uuid.uuid4().hex
    return settings.REPOSITORIES_ROOT


@pytest.fixture(autouse=True)
def health_found_at_once():
    """In the transaction of the test and anew each time, not by a thread and kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "_start", lambda work: work())
        patch.setattr(keeping, "KEPT_SECONDS", 0.0)
        yield
    for part in keeping.PARTS.values():
        part.forget()


@pytest.fixture
def without_parser(monkeypatch):
    """As where no process can be started any more."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setattr(reading, "_pool", ParserPool())
