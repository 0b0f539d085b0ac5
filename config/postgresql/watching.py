"""A connection to PostgreSQL on which no wait is for ever.

A load balancer or pooler may keep an open connection after a failover and forward nothing on it.
The kernel gets its acknowledgements, so neither keepalives nor tcp_user_timeout end the wait. After
a while without a word the server is asked, on a new connection, whether it still works on what it
was sent: a long query goes on, and the connection that nobody answers on is closed.
"""

import logging
import secrets
import select
from time import monotonic
from typing import Any, LiteralString, Self, TypeVar

import psycopg
from psycopg.abc import PQGen

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

ANSWER_SECONDS = 5.0
"""What the server may take to say what a session does."""

GRACE_SECONDS = 1.0
SILENT = "the database did not answer on an open connection"

# Sessions are found by name: behind a pooler, the number of the server's process is not that of
# our connection. One that waits for its client will not answer it.
SESSION = "FROM pg_stat_activity WHERE strpos(application_name, %s) > 0"
WORKS = "state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'"
IS_WORKING = f"SELECT count(*) {SESSION} AND {WORKS}"
# Its locks would stop those who come after it.
END = f"SELECT pg_terminate_backend(pid) {SESSION} AND NOT ({WORKS})"


class BoundedConnection(psycopg.Connection[Any]):
    """Closed after so many seconds without a word from the server; OperationalError says so."""

    silence_seconds = ANSWER_SECONDS
    """0 waits for ever."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Here psycopg waits for all but a new connection, which has `connect_timeout`."""
        watched = self._watch(gen) if self.silence_seconds else gen
        return super().wait(watched, interval, timeout)

    def _watch(self, steps: PQGen[Result]) -> PQGen[Result]:
        """The same steps. psycopg takes the next one at each word, and after each interval."""
        heard = monotonic()
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if ready:
                    heard = monotonic()
                elif monotonic() - heard >= self.silence_seconds:
                    if not self._is_worth_waiting():
                        # A rollback would wait on it as well.
                        self.close()
                        raise psycopg.OperationalError(SILENT)
                    heard = monotonic()
                wanted = steps.send(ready)
        except StopIteration as end:
            result: Result = end.value
            return result

    def _is_worth_waiting(self) -> bool:
        return False


class WatchedConnection(BoundedConnection):
    """One on which a query may take long, as long as the server says that it works on it."""

    parameters: dict[str, Any]
    name: str
    """A part of its application_name that no other connection has."""

    @classmethod
    def open(cls, *, silence_seconds: float, **parameters: Any) -> Self:
        """As `psycopg.connect`."""
        name = secrets.token_hex(8)
        # The server cuts off what is long, so ours is first.
        label = f"{name} {parameters.get('application_name', 'letterbox')}"
        connection = cls.connect(**parameters | {"application_name": label})
        connection.silence_seconds = silence_seconds
        connection.parameters, connection.name = parameters, name
        return connection

    def _is_worth_waiting(self) -> bool:
        try:
            if self._ask(IS_WORKING) or self._hears():
                return True
            self._ask(END)
        except psycopg.Error as error:
            logger.warning("no new connection to the database error=%s", error)
        logger.warning("a connection to the database is silent and was closed")
        return False

    def _ask(self, sql: LiteralString) -> Any:
        """The first value of the answer, by a connection of its own."""
        with BoundedConnection.connect(**self.parameters | {"autocommit": True}) as asking:
            row = asking.execute(sql, [self.name]).fetchone()
        return row and row[0]

    def _hears(self) -> bool:
        """A query may have ended just when the server was asked; its answer is on its way."""
        socket = select.poll()
        socket.register(self.pgconn.socket, select.POLLIN)
        return bool(socket.poll(GRACE_SECONDS * 1000))
