"""How Celery works, as Django's settings name it: its broker, and the processes of a worker."""

from typing import Any

from config.environment import DATA_DIR, env

BROKER_DIR = DATA_DIR / "broker"
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    for _folder in ("queue", "control"):
        (BROKER_DIR / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.2,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "config.scheduler:Scheduler"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

CELERY_IMPORTS = ["config.worker_processes"]

# Processes: only they can be ended when a task hangs, and give their memory back.
CELERY_WORKER_POOL = "prefork"
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=2)
# 0 is never. Celery takes KiB, and looks at the most that the process ever had.
CELERY_WORKER_MAX_TASKS_PER_CHILD = env.int("WORKER_MAX_TASKS_PER_CHILD", default=1000) or None
CELERY_WORKER_MAX_MEMORY_PER_CHILD = (
    env.int("WORKER_MAX_MEMORY_BYTES", default=400_000_000) // 1024 or None
)
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT_SECONDS", default=240)
# Work in batches goes on in a new task after this time, behind what others have sent meanwhile.
# Without any, each task would end before it begins, and nothing be done.
TASK_BUDGET_SECONDS = env.int_within("TASK_BUDGET_SECONDS", default=10, low=1, high=3600)
WORKER_SHUTDOWN_SECONDS = env.int("WORKER_SHUTDOWN_SECONDS", default=10)
# The same where REMAP_SIGTERM=SIGQUIT is still in the environment, as earlier versions had it.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = WORKER_SHUTDOWN_SECONDS
WATCHDOG_SECONDS = env.int("WATCHDOG_SECONDS", default=300)
# Celery's 4 seconds are short for a process that starts on a machine with much to do.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60.0
