"""What Django loads for the engine `config.postgresql`: its own backend on watched connections."""

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from config.postgresql.watching import WatchedConnection

GIVEN = {
    "tcp_keepalives_idle": "keepalives_idle",
    "tcp_keepalives_interval": "keepalives_interval",
    "tcp_keepalives_count": "keepalives_count",
    "tcp_user_timeout": "tcp_user_timeout",
}
"""Settings of the server, by our own options: it gives a silent client up as we give it up. By
itself it keeps the locks of a machine that was cut off for two hours."""


class DatabaseWrapper(base.DatabaseWrapper):
    # psycopg as Django uses it: names of faults, and one way to connect.
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": WatchedConnection.open})

    def is_usable(self) -> bool:
        """Nor is one that can't write: PostgreSQL decides that when it is made, by
        `default_transaction_read_only`, or a pooler leads it to a standby still. A new one finds
        out whether that is over."""
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                row = cursor.execute("SHOW transaction_read_only").fetchone()
        except psycopg.Error:
            return False
        return row is not None and row[0] == "off"

    def init_connection_state(self) -> None:
        super().init_connection_state()
        # Not as `options` of libpq, which a pooler may refuse.
        sql = "SELECT " + ", ".join(f"set_config('{name}', %s, false)" for name in GIVEN)
        options = self.settings_dict["OPTIONS"]
        # As the rest of connecting, no query of whoever asks for one.
        with self.connection.cursor() as cursor:
            cursor.execute(sql, [str(options[option]) for option in GIVEN.values()])
