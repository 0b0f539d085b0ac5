"""Doubles of the outside world that keep to its contracts."""

from collections.abc import Iterator, Sequence

from incoming_email.inboxes.base import NO_RETRIES, RawMessage, Retries
from incoming_email.models import InboundEmail


class FakeInbox:
    """Gives batches; notes what was acknowledged, and whether the ledger held it at that moment."""

    def __init__(self, *batches: Sequence[RawMessage], resynchronised: bool = False) -> None:
        self.batches, self.resynchronised = batches, resynchronised
        self.acknowledged: list[tuple[str, bool]] = []
        self.position = self.notice = ""

    def unread(self, _retries: Retries = NO_RETRIES) -> Iterator[Sequence[RawMessage]]:
        yield from self.batches

    def acknowledge(self, messages: Sequence[RawMessage]) -> None:
        stored = set(InboundEmail.objects.values_list("source_id", flat=True))
        self.acknowledged += [(m.source_id, m.source_id in stored) for m in messages]
        self.position = f"1:{len(self.acknowledged)}"

    def count_waiting(self) -> int:
        return sum(map(len, self.batches))

    def close(self) -> None:
        """Nothing is held open."""

    def wait(self, seconds: float) -> bool:
        return False
