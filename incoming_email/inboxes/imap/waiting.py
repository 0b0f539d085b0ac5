"""Waiting for news in an open IMAP folder: IDLE (RFC 2177), or NOOP on a server without."""

import time

from incoming_email.inboxes.imap.session import ImapSession
from incoming_email.inboxes.imap.wire import CHANGE_LINE

IDLE_LIMIT_SECONDS = 28 * 60
"""RFC 2177: servers may log out a client that idles for 29 minutes."""

NOOP_SECONDS = 5.0
"""Pause between two polls of a server without IDLE."""

COUNTS = frozenset({b"EXISTS", b"RECENT"})


class Listener:
    """What a server tells by itself is a hint, no promise: whoever waits must search as well."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._last_counts: dict[bytes, int] = {}
        self._idles = True
        self._is_news(session.connection.find_notices())

    def wait(self, seconds: float) -> bool:
        """Block until the server tells of a change (True) or the time is over (False)."""
        end = time.monotonic() + seconds
        with self._session.errors():
            notices = self._session.connection.find_notices()
            self._session.connection.forget_notices()
            if self._is_news(notices):
                return True
            while (left := end - time.monotonic()) > 0:
                if self._is_news(self._listen(left)):
                    return True
        return False

    def _listen(self, left: float) -> list[bytes]:
        """One IDLE; on a server without, one NOOP and a pause."""
        connection = self._session.connection
        if self._idles and connection.has_capability("IDLE"):
            pause = min(left, self._session.account.idle_timeout, IDLE_LIMIT_SECONDS)
            lines = connection.idle_lines(pause)
            if lines is not None:
                return lines
            self._idles = False
        lines = connection.noop_lines()
        if not lines:
            time.sleep(min(left, NOOP_SECONDS))
        return lines

    def _is_news(self, lines: list[bytes]) -> bool:
        """Whether a line announces a change; some servers repeat the same EXISTS each time."""
        news = False
        for match in filter(None, map(CHANGE_LINE.match, lines)):
            kind = (match[2] or b"").upper()
            if kind not in COUNTS:
                self._last_counts.clear()
                news = True
            elif self._last_counts.get(kind) != int(match[1]):
                self._last_counts[kind] = int(match[1])
                news = True
        return news
