"""How the database is spoken to: what DATABASE_URL does not say."""

from typing import Any

from config.environment import DATA_DIR, env


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
    else:
        database.setdefault("CONN_MAX_AGE", 60)
        database["CONN_HEALTH_CHECKS"] = True
    if database["ENGINE"] == "django.db.backends.postgresql":
        # Raw messages then travel as bytes, not as hexadecimal digits inside of the statement.
        database.setdefault("OPTIONS", {}).setdefault("server_side_binding", True)
    return {"default": database}
