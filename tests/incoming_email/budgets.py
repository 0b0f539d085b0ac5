"""A budget that is over by what was done, whatever time it took."""

from dataclasses import dataclass

from incoming_email.models import InboundEmail
from incoming_email.outcomes import Status
from issues.stopping import Budget


def count_processed() -> int:
    return InboundEmail.objects.filter(status=Status.PROCESSED).count()


@dataclass(frozen=True, slots=True)
class Countdown(Budget):
    """Over once so many messages are processed."""

    until: int = 0

    def is_over(self) -> bool:
        return count_processed() >= self.until
