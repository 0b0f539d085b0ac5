"""What Django loads for the engine `config.postgresql`: its own backend on watched connections."""

from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base

from config.postgresql.watching import WatchedConnection


class DatabaseWrapper(base.DatabaseWrapper):
    # psycopg as Django uses it: names of faults, and one way to connect.
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": WatchedConnection.open})
