"""Public keys of signers from the DNS (RFC 6376 section 3.6), in bounded time."""

import time
from dataclasses import dataclass, field

import dns.exception
import dns.rdatatype
import dns.resolver

from incoming_email.sender_auth.tags import is_for_mail

MAX_BATCH_SECONDS = 60.0
"""Of all questions of a batch: its task has 240."""

MAX_RECORD_BYTES = 2000
"""A key of 8192 bits takes 1400; a giant one would only cost time."""

_NO_ANSWER = (
    dns.exception.Timeout,
    dns.resolver.NoNameservers,
    dns.resolver.NoResolverConfiguration,
    OSError,
)


class NoAnswerError(Exception):
    """The DNS did not answer in time."""


@dataclass(slots=True)
class KeyRecords:
    """Each record is asked for once in a batch."""

    timeout: float
    """Seconds that one question may take."""

    resolver: dns.resolver.Resolver | None = None
    """None: as the system is configured."""

    _found: dict[str, bytes | None] = field(default_factory=dict)
    _unanswered: set[str] = field(default_factory=set)
    _spent: float = 0.0

    def find(self, name: bytes, timeout: float = 0) -> bytes | None:
        """The record, or None where there is no usable one. Raises NoAnswerError.

        Its form is what dkimpy asks for; whose time-out does not count.
        """
        text = name.decode("ascii").lower()
        if text not in self._found and text not in self._unanswered:
            self._ask(text)
        if text in self._unanswered:
            raise NoAnswerError(text)
        return self._found[text]

    def _ask(self, name: str) -> None:
        if self._spent >= MAX_BATCH_SECONDS:
            self._unanswered.add(name)
            return
        started = time.monotonic()
        try:
            self._found[name] = _usable(self._resolve(name))
        except _NO_ANSWER:
            self._unanswered.add(name)
        except dns.exception.DNSException:  # no such name, no TXT record, or no valid name
            self._found[name] = None
        finally:
            self._spent += time.monotonic() - started

    def _resolve(self, name: str) -> bytes:
        if self.resolver is None:
            self.resolver = dns.resolver.Resolver()
        answer = self.resolver.resolve(name, dns.rdatatype.TXT, lifetime=self.timeout, search=False)
        return b"".join(answer[0].strings)


def _usable(record: bytes) -> bytes | None:
    return record if len(record) <= MAX_RECORD_BYTES and is_for_mail(record) else None
