"""Options of the database connection that DATABASE_URL does not carry."""

from typing import Any

from config.environment import DATA_DIR, env

DATABASE_SILENCE_SECONDS = env.float("DATABASE_SILENCE_SECONDS", default=10)
POSTGRESQL_OPTIONS = {
    # Raw messages then travel as bytes, not as hexadecimal digits inside of the statement.
    "server_side_binding": True,
    # A server or firewall that falls silent: libpq would wait for hours. Seconds, but for the last.
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    # Something between that falls silent, though the kernel's questions are answered.
    "silence_seconds": DATABASE_SILENCE_SECONDS,
}


def read_databases() -> dict[str, dict[str, Any]]:
    database: dict[str, Any] = env.db_url(
        "DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}"
    )
    if database["ENGINE"] == "django.db.backends.sqlite3":
        # Read-then-write transactions must take the write lock at BEGIN, or they fail under load.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=8000"
            ),
        }
    if database["ENGINE"] == "django.db.backends.postgresql":
        database["ENGINE"] = "config.postgresql"
        database["OPTIONS"] = POSTGRESQL_OPTIONS | database.get("OPTIONS", {})
    # Kept between units of work, and asked for a sign of life at the start of each.
    database.setdefault("CONN_MAX_AGE", 60)
    database["CONN_HEALTH_CHECKS"] = True
    return {"default": database}
