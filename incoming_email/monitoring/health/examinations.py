"""The steps of the check for one subject, and the findings they yield."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from incoming_email.inboxes.base import Finding


@dataclass(frozen=True, slots=True)
class MailboxFinding:
    """One line of the check, and what it is about."""

    mailbox: str
    """Name of the mailbox; empty for what belongs to the whole installation."""

    inbox_method: str
    server: str
    """`host:port`, where a server was asked."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Probe:
    """Steps that wait for a server. They run in a thread, so they must not use the database."""

    steps: tuple[str, ...]
    find: Callable[[], Iterator[Finding]]
    """Yields one finding a step, in the order of `steps`."""

    seconds: float
    """After so long the rest counts as unanswered."""

    step_seconds: float = 0.0
    """The same for one step; 0: only the whole is limited."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One subject: what our own rows show, and the steps that ask its server."""

    mailbox: str = ""
    inbox_method: str = ""
    server: str = ""
    before: Sequence[Finding] = ()
    probe: Probe | None = None
    after: Sequence[Finding] = ()

    def with_answers(self, answers: Sequence[Finding]) -> list[MailboxFinding]:
        """All findings in order; `answers` are those of the probe."""
        return [
            MailboxFinding(self.mailbox, self.inbox_method, self.server, finding)
            for finding in (*self.before, *answers, *self.after)
        ]
