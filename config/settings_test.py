"""Settings of the test run: in-memory mail and broker, one throw-away data folder a process."""

import atexit
import os
import shutil
import tempfile

_data_dir = tempfile.mkdtemp(prefix="letterbox-tests-")
_owner = os.getpid()
"""A forked child must not remove the folder of its parent."""


def _remove_data_dir() -> None:
    if os.getpid() == _owner:
        shutil.rmtree(_data_dir, ignore_errors=True)


atexit.register(_remove_data_dir)
# Whatever a developer has in .env stays out. DATABASE_URL alone is theirs: the suite runs on
# PostgreSQL as well.
os.environ.update(
    DATA_DIR=_data_dir,
    MEDIA_ROOT="",
    REPOSITORIES_ROOT="",
    SECRET_KEY="tests-only-secret-key-of-no-value",  # noqa: S106
    ENCRYPTION_KEYS="tests-only-encryption-key-of-no-value",
    BASE_URL="http://127.0.0.1:8000",
    MESSAGE_ID_HOST="letterbox.localhost",
    DEFAULT_FROM_EMAIL="Letterbox <letterbox@letterbox.localhost>",
    CELERY_BROKER_URL="memory://",
    CACHE_URL="locmemcache://",
    EMAIL_URL="",
    ALERT_WEBHOOK_URL="",
    METRICS_TOKEN="",
    METRICS_NETWORKS="",
    LOG_FORMAT="line",
    LANGUAGE_CODE="en",
    TIME_ZONE="UTC",
    # A busy machine must not make a task of two.
    TASK_BUDGET_SECONDS="3600",
    # Mail is taken in however little space the developer's disk has.
    CHECK_DISK_MIN_BYTES="0",
    # The main loop of a test is pytest's.
    WATCHDOG_SECONDS="0",
)

_umask = os.umask(0o022)

from config.environment import DATA_DIR  # noqa: E402
from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES  # noqa: E402

# Servers of tests run as users of their own.
os.umask(_umask)

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, since threads on a shared in-memory database meet "table is locked".
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
    # No test cuts the power, and to wait for the disk takes longer than the tests.
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous=OFF"
# Threads of a test end, and nobody would close what they kept open.
DATABASES["default"]["CONN_MAX_AGE"] = 0

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
CELERY_TASK_ALWAYS_EAGER = False
# Each client of a test would look at every static file anew.
WHITENOISE_AUTOREFRESH = True
